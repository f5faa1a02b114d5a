"""Several bags: each by itself, all together exactly, and nothing twice."""

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import tyro
from ros_bench import wait_for

from stdc_core.command_line.run_command import run_command
from stdc_core.evaluation.drive_counts import DriveCounts
from stdc_seg_ros.bag.errors import BagError
from stdc_seg_ros.evaluation.evaluate_bag import evaluate_bag
from stdc_seg_ros.evaluation.many_bags import find_bags


@pytest.fixture
def run(model_path, tmp_path, capsys):
    def run(*words):
        words = [*map(str, words), '--output', str(tmp_path / 'out'), '--model', str(model_path)]
        code = run_command('evaluate_bag', lambda: tyro.cli(evaluate_bag, args=words))
        return code, capsys.readouterr()

    return run


def counts_of(folder):
    return DriveCounts.from_dict(json.loads((folder / 'figures.json').read_text())['counts'])


def check_parts_and_whole(make_bag, frames, run, tmp_path, *words):
    make_bag(frames[:4], 'bags/first')
    make_bag(frames[3:], 'bags/second')
    code, output = run(tmp_path / 'bags', '--offline', *words)
    assert code == 0, output.err
    out = tmp_path / 'out'
    whole = json.loads((out / 'figures.json').read_text())
    parts = [counts_of(out / name) for name in ('first', 'second')]
    assert whole['counts'] == (parts[0] + parts[1]).to_dict()
    assert whole['images'] == 7
    shutil.rmtree(out)
    code, output = run(make_bag([*frames[:4], *frames[3:]], 'joined'), '--offline')
    assert code == 0, output.err
    alone, together = counts_of(out), DriveCounts.from_dict(whole['counts'])
    assert (alone.masks, alone.labeled) == (together.masks, together.labeled)
    for name in ('confusion', 'calibration', 'detail'):
        mine, others = getattr(alone, name).counts, getattr(together, name).counts
        np.testing.assert_array_equal(mine, others)


def test_the_parts_add_up_exactly_to_the_whole(make_bag, frames, run, tmp_path):
    check_parts_and_whole(make_bag, frames, run, tmp_path)


@pytest.mark.slow
def test_in_two_processes_too(make_bag, frames, run, tmp_path):
    check_parts_and_whole(make_bag, frames, run, tmp_path, '--processes', 2)


@pytest.mark.slow
def test_a_killed_process_is_said_and_the_next_run_goes_on(make_bag, frames, run):
    def kill_one():
        while not (children := multiprocessing.active_children()):
            time.sleep(0.01)
        children[0].kill()

    bags = [make_bag(frames[:3], 'first'), make_bag(frames[3:], 'second')]
    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    code, output = run(*bags, '--offline', '--processes', 2)
    assert code == 1
    assert output.err.count('its process was killed (out of memory?): run the same again') == 1
    assert 'bags:    1 of 2, 0 were done already' in output.out
    killer.join()
    code, output = run(*bags, '--offline', '--processes', 2)
    assert code == 0, output.err
    assert 'bags:    2 of 2, 1 were done already' in output.out


@pytest.mark.slow
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_begins_no_other_bag(make_bag, frames, model_path, tmp_path, number):
    bags = [make_bag(frames, name) for name in 'abcdef']
    out = tmp_path / 'out'
    words = ['--offline', '--processes', '2', '--output', out, '--model', model_path]
    code = 'from stdc_seg_ros.bag.command_line import evaluate_bag; exit(evaluate_bag())'
    with subprocess.Popen(
        [sys.executable, '-c', code, *map(str, [*bags, *words])],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        wait_for('the first bag', lambda: list(out.glob('*/masks')), 120)
        os.killpg(process.pid, number)  # as a terminal does
        _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert said == ('evaluate_bag: interrupted\n' if number == signal.SIGINT else '')
    assert len(list(out.iterdir())) <= 4  # two that ran, two that may have begun meanwhile
    assert not list(out.glob('*/.*'))


def test_what_is_done_is_not_done_again_and_one_bad_bag_stops_no_other(
    make_bag, frames, run, tmp_path
):
    first, second = make_bag(frames[:3], 'first'), make_bag(frames[3:], 'second')
    wrong = make_bag([frames[0]._replace(labels=np.full((72, 96), 34, np.uint8))], 'wrong')
    code, output = run(first, wrong, second, '--offline')
    assert code == 1
    assert 'label 34' in output.err
    assert 'bags:    2 of 3, 0 were done already' in output.out
    page = tmp_path / 'out/first/report.html'
    before = page.stat().st_mtime_ns
    (tmp_path / 'out/second/figures.json').write_text('{')  # as if it had been cut off
    code, output = run(first, second, '--offline')
    assert code == 0
    assert 'bags:    2 of 2, 1 were done already' in output.out
    assert page.stat().st_mtime_ns == before
    assert '<a href="second/report.html">' in (tmp_path / 'out/report.html').read_text()
    code, output = run(first, second, '--offline', '--topic', '/camera/image_raw')
    assert '0 were done already' in output.out  # another question
    assert page.stat().st_mtime_ns != before


def test_bags_are_found_in_folders(make_bag, frames, tmp_path):
    make_bag(frames[:1], 'drives/b')
    make_bag(frames[:1], 'drives/a')
    single = make_bag(frames[:1], 'a')
    (tmp_path / 'drives/notes').mkdir()
    folder = tmp_path / 'drives'
    assert find_bags([folder]) == [folder / 'a', folder / 'b']
    assert find_bags([single]) == [single]
    with pytest.raises(BagError, match='several bags are called a'):
        find_bags([single, folder])
    with pytest.raises(BagError, match='and has none in it'):
        find_bags([folder / 'notes'])
    (folder / 'b/metadata.yaml').unlink()  # of a recorder that was killed
    assert find_bags([folder / 'b']) == [folder / 'b']
    assert find_bags([folder]) == [folder / 'a', folder / 'b']
    (folder / 'b/b.mcap').rename(folder / 'b/other.mcap')
    assert find_bags([folder / 'b']) == [folder / 'b/other.mcap']
