"""How a node's process ends, with threads that do not."""

import os
import subprocess
import sys

HUNG = """
import threading, time
from rclpy.node import Node
from stdc_seg_ros.processes.run_node import run_node

class Hung(Node):
    def __init__(self):
        super().__init__('hung')
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    def start(self):
        {start}
    def close(self):
        pass

raise SystemExit(run_node(Hung))
"""


def end_of(start):
    environment = {**os.environ, 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}
    return subprocess.run(
        [sys.executable, '-c', HUNG.format(start=start)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_bug_keeps_its_traceback_where_a_thread_hangs():
    ended = end_of("raise ZeroDivisionError('a bug of ours')")
    assert ended.returncode == 1
    assert 'Traceback' in ended.stderr
    assert 'ZeroDivisionError: a bug of ours' in ended.stderr


def test_what_a_user_can_mend_is_one_line_where_a_thread_hangs():
    ended = end_of("from stdc_core.errors import UserError; raise UserError('no such model')")
    assert ended.returncode == 1
    assert ended.stderr == '-c: no such model\n'
