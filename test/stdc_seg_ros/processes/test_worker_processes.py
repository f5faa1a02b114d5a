"""Work in processes: what it raises, what is killed, what Ctrl-C leaves undone."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
from ros_bench import wait_for

from stdc_seg_ros.processes.worker_processes import WorkerError, WorkerProcesses


def test_what_the_work_raises_comes_out_and_stops_no_other(tmp_path):
    with WorkerProcesses(2) as workers:
        failing = workers.submit(Path.read_text, tmp_path / 'gone')
        other = workers.submit(Path.touch, tmp_path / 'done')
        with pytest.raises(FileNotFoundError, match='gone'):
            failing()
        other()
    assert (tmp_path / 'done').exists()


def test_a_killed_process_takes_no_other_with_it(tmp_path):
    with WorkerProcesses(1) as workers:
        killed = workers.submit(signal.raise_signal, signal.SIGKILL)
        others = [workers.submit(Path.touch, tmp_path / name) for name in 'ab']
        with pytest.raises(WorkerError, match='its process was killed'):
            killed()
        for other in others:
            other()
    assert {path.name for path in tmp_path.iterdir()} == {'a', 'b'}


@pytest.mark.parametrize('interruption', [KeyboardInterrupt, SystemExit])
def test_an_interruption_ends_what_runs_and_begins_nothing(tmp_path, interruption):
    def work():
        with WorkerProcesses(1) as workers:
            workers.submit(time.sleep, 600)
            workers.submit(Path.touch, tmp_path / 'next')
            wait_for('a process', multiprocessing.active_children)
            raise interruption

    with pytest.raises(interruption):
        work()
    assert not multiprocessing.active_children()
    assert not list(tmp_path.iterdir())


def test_ctrl_c_is_left_to_the_one_that_began(tmp_path):
    with WorkerProcesses(1) as workers:
        work = workers.submit(time.sleep, 1)
        wait_for('a process', multiprocessing.active_children)
        [process] = multiprocessing.active_children()
        os.kill(process.pid, signal.SIGINT)
        work()
