"""The watchdog in processes of their own, since it ends them."""

import subprocess
import sys
import time

import pytest

from stdc_seg_ros import watchdog

START = """
import ctypes, time
from stdc_seg_ros.watchdog import Watchdog
hang = []
def find(limit_s):
    assert limit_s == {limit_s}
    return ''.join(hang)
dog = Watchdog(lambda: {limit_s}, find, lambda hang: print('report:', hang, flush=True))
"""
DEADLINE_S = 60


def run(lines, limit_s=0.2):
    code = START.format(limit_s=limit_s) + lines
    return subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, timeout=DEADLINE_S
    )


def test_what_hangs_is_told_and_ends_the_process_by_its_own_code():
    process = run("hang.append('the engine hangs')\ntime.sleep(600)")
    assert process.returncode == watchdog.HUNG == 1
    assert process.stdout == 'report: the engine hangs\n'
    assert 'File "<string>", line' in process.stderr  # where it was


def test_what_keeps_the_gil_is_ended_too():
    process = run('ctypes.PyDLL(None).sleep(600)')
    assert process.returncode == watchdog.HUNG
    assert process.stdout == ''
    assert 'Timeout (0:00:01.200000)!' in process.stderr


def test_a_report_that_hangs_does_not_keep_it():
    process = run("dog._report = lambda hang: time.sleep(600)\nhang.append('x')\ntime.sleep(600)")
    assert process.returncode == watchdog.HUNG


@pytest.mark.parametrize('limit_s', [0, 0.2])
def test_what_does_not_hang_goes_on_and_after_the_end_nothing_watches(limit_s):
    process = run('time.sleep(2)\ndog.close()\ndog.close()\ntime.sleep(2)\nprint(1)', limit_s)
    assert (process.returncode, process.stdout, process.stderr) == (0, '1\n', '')


def test_no_limit_is_no_end_whatever_hangs():
    process = run("hang.append('x')\ntime.sleep(2)\nprint(1)", limit_s=0)
    assert (process.returncode, process.stdout) == (0, '1\n')


def test_a_limit_that_is_taken_back_takes_back_the_timer():
    limits = [0.1, 0.0]
    dog = watchdog.Watchdog(lambda: limits[0], lambda limit_s: '', print)
    try:
        time.sleep(2 * watchdog.LOOK_S)
        limits.pop(0)
        time.sleep(2 * watchdog.LOOK_S + watchdog.FROZEN_S)
    finally:
        dog.close()
