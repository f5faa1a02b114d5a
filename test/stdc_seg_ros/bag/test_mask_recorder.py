"""What the recorder of a replay takes down, with messages and clocks by hand."""

import numpy as np
import pytest
from ros_bench import image_message

from stdc_seg_ros.bag import mask_recorder
from stdc_seg_ros.bag.mask_files import read_mask
from stdc_seg_ros.bag.mask_recorder import MaskRecorder

PIXELS = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)


class Clocks:
    """Steady and system time."""

    def __init__(self):
        self.steady_s, self.system_ns = 100.0, 10**18

    def monotonic(self):
        return self.steady_s

    def time_ns(self):
        return self.system_ns

    def sleep(self, seconds):
        self.steady_s += seconds
        self.system_ns += round(1e9 * seconds)


@pytest.fixture
def clocks(monkeypatch):
    clocks = Clocks()
    monkeypatch.setattr(mask_recorder, 'time', clocks)
    return clocks


@pytest.fixture
def recorder(tmp_path, clocks):
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    recorder = MaskRecorder('/camera/image_raw', False, 'segmentation_node', tmp_path)
    yield recorder
    recorder.destroy_node()
    recorder.close()
    rclpy.try_shutdown()


def image(recorder, clocks, second):
    message = image_message(PIXELS)
    message.header.stamp.sec = second
    recorder._take_image(message, {'source_timestamp': clocks.time_ns()})


def mask(recorder, second):
    message = image_message(PIXELS[..., :1], 'mono8')
    message.header.stamp.sec = second
    recorder._take_mask(message)


def test_only_the_time_of_images_and_masks_counts(recorder, clocks):
    assert recorder.seconds() == 0
    clocks.sleep(5)  # the player waits
    for second in range(4):
        image(recorder, clocks, second)
        clocks.sleep(0.25)
        if second % 2:
            mask(recorder, second)
            clocks.sleep(0.25)
    assert recorder.seconds() == 4 * 0.25 + 0.25
    clocks.sleep(5)  # the player ends
    assert recorder.seconds() == 1.25
    assert (recorder.seen().images, recorder.seen().masks) == (4, 2)
    image(recorder, clocks, 4)  # no mask comes any more
    assert recorder.seconds() == 6.5


def test_latencies_are_the_systems_and_seconds_are_not(recorder, clocks):
    image(recorder, clocks, 1)
    clocks.sleep(0.125)
    mask(recorder, 1)
    image(recorder, clocks, 2)
    clocks.sleep(0.125)
    clocks.system_ns -= 10**10
    mask(recorder, 2)
    mask(recorder, 3)  # whose image was missed
    assert recorder.latencies_ms() == {10**9: pytest.approx(125), 2 * 10**9: pytest.approx(-9875)}
    assert recorder.seconds() == 0.25


def test_masks_are_written(recorder, clocks, tmp_path):
    mask(recorder, 7)
    recorder.close()
    np.testing.assert_array_equal(read_mask(tmp_path, 7 * 10**9), PIXELS[..., 0])
