"""A camera that does what cameras do: the node says so, and goes on when the camera does."""

import os
import signal
import time
from contextlib import closing

import numpy as np
import pytest
from faults.scene import ERROR, OK, WARN
from faults.scripted_camera import RATE_HZ, ScriptedCamera, make_pictures
from ros_bench import DOMAIN, ROOT, Bench, stamp_of, wait_for

from stdc_seg_ros.processes.child_process import ChildProcess

TEST = ROOT / 'test'


def test_camera_stalls(scene):
    scene.camera.stop()
    scene.fault()
    _, message, _ = scene.detect('stalled', ERROR)
    assert 'its publisher is there: it hangs' in message
    scene.camera.start()
    scene.recover()
    scene.end()


@pytest.mark.slow
def test_publisher_goes_and_returns(scene, bench, truth):
    scene.camera.close()
    scene.fault()
    scene.detect('waiting', WARN, 'nobody publishes')
    scene.camera = ScriptedCamera(bench, truth)
    scene.camera.start()
    scene.recover()
    counts = scene.end(same_publisher=False)
    assert counts['failed'] == counts['rejected'] == 0


@pytest.mark.slow
def test_camera_process_is_killed_and_started_anew(scene, bench, tmp_path):
    scene.camera.close()
    environment = {
        'ROS_DOMAIN_ID': str(DOMAIN),
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'PYTHONPATH': os.pathsep.join(map(str, (ROOT, TEST))),
    }

    def start(log):
        return ChildProcess(
            'faults.camera_process', [f'{bench.namespace}/image'], tmp_path / log, environment
        )

    def wait_fresh(since_ns):
        return scene.masks.wait(
            'fresh mask', lambda mask: stamp_of(mask) > divmod(since_ns, 1_000_000_000)
        )

    with start('first.log') as first:
        wait_fresh(time.time_ns())
        scene.wait_state('running', OK)
        first._process.send_signal(signal.SIGKILL)
        first._process.wait()
        scene.fault()
        # The middleware takes the dead for living until its lease ends: "stalled", then "waiting".
        scene.detect('stalled', ERROR)
        scene.masks.clear()
    with start('second.log') as second:
        second.wait_for('ready', 60)
        scene.recover()
        stamps = [stamp_of(mask) for mask in scene.masks.messages]
        assert stamps == sorted(set(stamps))
    scene.camera = ScriptedCamera(bench, scene.truth).wait_matched()
    scene.answer()  # after it no mask of the process's comes
    scene.masks.clear()
    scene.end(same_publisher=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    'what',
    ['resolution', 'encoding', 'frame_id'],
)
def test_changing_in_mid_stream(scene, what):
    forms = {
        'resolution': [{'size': size} for size in ((60, 80), (96, 160), (1, 1), (33, 257))],
        'encoding': [{'encoding': encoding} for encoding in ('rgb8', 'bgr8')],
        'frame_id': [{'frame_id': name} for name in ('front', '', 'vorn links é')],
    }[what]
    scene.camera.stop()
    for number in range(12):
        form = dict(forms[number % len(forms)])
        pixels = make_pictures(form.pop('size', (60, 80)))[number % 4]
        came = len(scene.masks.messages)
        scene.camera.show(pixels, **form)
        wait_for('a mask', lambda came=came: len(scene.masks.messages) > came)
    scene.camera.start()
    scene.recover()
    counts = scene.end()
    assert counts['rejected'] == counts['failed'] == 0


@pytest.mark.slow
def test_two_publishers_on_one_topic(scene, bench, truth):
    with (
        closing(Bench(bench.namespace)) as other_bench,
        closing(ScriptedCamera(other_bench, truth)) as other,
    ):
        other.wait_matched()
        other.start()
        scene.fault()
        scene.detect('running', OK, 'from 2 publishers')
        time.sleep(2.0)
    scene.recover()
    counts = scene.end(same_publisher=False, one_camera=False)
    assert counts['rejected'] == counts['failed'] == 0


@pytest.mark.slow
def test_burst_at_ten_times_the_rate(scene):
    scene.camera.rate_hz = 10 * RATE_HZ
    time.sleep(3.0)
    scene.camera.rate_hz = RATE_HZ
    scene.recover()
    counts = scene.end()
    assert counts['rejected'] == counts['failed'] == 0
    assert counts['published'] > 2 * 3 * RATE_HZ  # even this process is kept waiting at times


@pytest.mark.slow
@pytest.mark.parametrize('stamps', ['repeat', 'jump back', 'are zero'])
def test_stamps(scene, stamps):
    """They are the camera's affair: each mask has its image's, and none is late or doubled."""
    scene.settle()
    scene.masks.clear()
    seconds = {'repeat': [7] * 8, 'jump back': [900, 901, 5, 6, 900, 4], 'are zero': [0] * 6}
    message = scene.camera.show(make_pictures()[0])
    scene.masks.wait('mask')
    for number, second in enumerate(seconds[stamps], start=2):
        message.header.stamp.sec, message.header.stamp.nanosec = second, 0
        scene.camera.send(message)
        wait_for('a mask', lambda number=number: len(scene.masks.messages) == number)
    masks = scene.masks.messages[1:]
    assert [stamp_of(mask) for mask in masks] == [(second, 0) for second in seconds[stamps]]
    assert len({np.frombuffer(mask.data, np.uint8).tobytes() for mask in masks}) == 1
    scene.masks.clear()
    scene.camera.start()
    scene.recover()
    counts = scene.end()
    assert counts['rejected'] == counts['failed'] == 0
