"""Subscribers that read no more, and that die: the others' masks come as before."""

import os
import signal
import time

import numpy as np
import pytest
from faults.scene import NODE, OK
from ros_bench import DOMAIN, ROOT, stamp_of

from stdc_seg_ros.processes.child_process import ChildProcess

STOPPED_S = 5.0


@pytest.fixture(scope='module')
def node(start_faulty):
    return start_faulty().wait_line('active: ')


@pytest.fixture
def subscriber(bench, tmp_path):
    environment = {
        'ROS_DOMAIN_ID': str(DOMAIN),
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'PYTHONPATH': os.pathsep.join(map(str, (ROOT, ROOT / 'test'))),
    }
    topic = f'{bench.namespace}/{NODE}/mask'
    log = tmp_path / 'subscriber.log'
    with ChildProcess('faults.mask_subscriber', [topic], log, environment) as process:
        yield process
        process._process.kill()


@pytest.mark.slow
@pytest.mark.parametrize(
    'number', [signal.SIGSTOP, signal.SIGKILL], ids=lambda number: number.name
)
def test_a_subscriber_gets(node, make_scene, subscriber, number):
    scene = make_scene().begin()
    subscriber.wait_for('mask', 60)
    subscriber._process.send_signal(number)
    start_ns = time.time_ns()
    time.sleep(STOPPED_S)
    scene.recover()
    scene.wait_state('running', OK)
    counts = scene.end()
    assert counts['failed'] == counts['rejected'] == 0
    assert node.exit_code is None
    # No mask waited for the one that reads no more.
    ages_s = [
        1e-9 * came_ns - sum(np.array(stamp_of(mask)) * (1, 1e-9))
        for mask, came_ns in zip(scene.masks.messages, scene.masks.times, strict=True)
        if came_ns > start_ns
    ]
    assert len(ages_s) > 10
    assert np.median(ages_s) < 1.0
