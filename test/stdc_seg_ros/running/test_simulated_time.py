"""A replay: /clock that is not there yet, goes, jumps back and stands still."""

import numpy as np
import pytest
from ros_bench import Camera, image_message, stamp_of

NODE = 'segmentation_node'
MESSAGE = image_message(np.full((60, 80, 3), 90, np.uint8))
FIRST, AGAIN = 1_000_000, 10  # seconds of the replay's time


@pytest.fixture(scope='module')
def node(start_node, model_path):
    node = start_node(
        model=model_path, backend='onnxruntime', threads=1, reliability='reliable',
        use_sim_time=True, stalled_after_s=3.0,
    )  # fmt: skip
    return node.wait_line('active: ')


@pytest.fixture(scope='module')
def player(bench, node):
    """Publish a moment of the replay: /clock, an image of that time, or both."""
    from rosgraph_msgs.msg import Clock
    from sensor_msgs.msg import Image

    camera = Camera(bench).wait_matched()
    masks = bench.collect(Image, f'{NODE}/mask')
    clock = bench.call(lambda: bench.node.create_publisher(Clock, '/clock', 10))

    def play(second, *, image=True, clocked=True):
        if clocked:
            message = Clock()
            message.clock.sec = second
            clock.publish(message)
        if image:
            MESSAGE.header.stamp.sec = second
            masks.clear()
            camera._publisher.publish(MESSAGE)
            masks.wait('mask', lambda mask: stamp_of(mask) == (second, 0))

    return play


def frames(values):
    return int(values['frames processed'])


def header_age_s(values, figure):
    return float(values[f'header_age {figure} (ms)']) / 1e3


def test_statistics_are_right_whatever_the_clock_does(player, diagnostics):
    def wait(matches, what):
        return diagnostics.wait('image', lambda *status: matches(status[2]), what)

    player(FIRST, clocked=False)
    _, _, values = wait(lambda values: frames(values) == 1, 'a frame without /clock')
    assert values['header_age p50 (ms)'] == 'n/a'
    assert diagnostics.newest('engine')[2]['clock'] == '/clock, which never came'

    for second in range(FIRST, FIRST + 30):
        player(second)
    level, _, values = wait(lambda values: frames(values) == 31, 'thirty frames')
    assert (level, values['state']) == (b'\x00', 'running')
    assert abs(header_age_s(values, 'max')) <= 30
    assert float(values['input rate (Hz)']) > 0
    assert diagnostics.newest('engine')[2]['clock'] == '/clock'

    player(AGAIN, clocked=False)  # the first image of the loop overtakes its /clock
    player(AGAIN, image=False)
    for second in range(AGAIN, AGAIN + 10):
        player(second)
    level, _, values = wait(lambda values: frames(values) == 42, 'the loop')
    assert (level, values['state'], values['ledger balance']) == (b'\x00', 'running', '0')
    for figure in ('p50', 'max'):
        assert abs(header_age_s(values, figure)) <= 10, figure
    assert float(values['input rate (Hz)']) < 1000
    assert 0 < float(values['whole max (ms)']) < 60e3

    pause = 'and /clock stands still: a replay that is paused or over'
    _, _, values = diagnostics.wait('image', lambda *status: pause in status[1], 'the pause')
    assert values['state'] == 'stalled'
    player(AGAIN + 11)
    wait(lambda values: values['state'] == 'running', 'the rest')
