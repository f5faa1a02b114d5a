"""Progress, and ending a build from outside: Ctrl-C, errors of who shows the progress."""

import threading
import time

import pytest

from stdc_core.tensorrt.monitor import BuildMonitor, run_cancellable


def test_phases_and_steps_are_told_in_order():
    told = []
    monitor = BuildMonitor(lambda *step: told.append(step))
    monitor.phase_start('build', 2)
    assert monitor.step_complete('build', 0)
    monitor.phase_start('time kernels', 7)
    monitor.phase_finish('time kernels')  # it may skip steps
    assert monitor.step_complete('build', 1)
    monitor.phase_finish('build')
    assert told == [
        ('build', 0, 2),
        ('build', 1, 2),
        ('time kernels', 0, 7),
        ('time kernels', 7, 7),
        ('build', 2, 2),
        ('build', 2, 2),
    ]


def test_a_cancelled_build_is_told_so_at_its_next_step():
    monitor = BuildMonitor(lambda *step: None)
    monitor.phase_start('build', 2)
    monitor.cancel()
    assert not monitor.step_complete('build', 0)


def test_an_error_of_who_shows_it_ends_the_build_and_is_kept():
    def broken(phase, done, total):
        raise ValueError(done)

    monitor = BuildMonitor(broken)
    monitor.phase_start('build', 2)
    assert not monitor.step_complete('build', 0)
    assert isinstance(monitor.error, ValueError)
    assert monitor.error.args == (0,)  # the first


def test_result_comes_from_another_thread():
    thread = run_cancellable(threading.current_thread, cancel=lambda: None)
    assert thread is not threading.current_thread()
    assert not thread.is_alive()


def test_error_of_the_work_is_raised():
    def work():
        raise ValueError('of the work')

    with pytest.raises(ValueError, match='of the work'):
        run_cancellable(work, cancel=lambda: None)


def test_interrupt_cancels_and_is_raised_when_the_work_has_ended(interrupt):
    cancelled, ended = threading.Event(), threading.Event()

    def work():
        interrupt()
        assert cancelled.wait(60)
        time.sleep(0.3)
        interrupt()  # an impatient user
        time.sleep(0.3)
        ended.set()
        return 'built nevertheless'

    with pytest.raises(KeyboardInterrupt):
        run_cancellable(work, cancelled.set)
    assert ended.is_set()
