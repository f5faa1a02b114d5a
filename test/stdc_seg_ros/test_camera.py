"""One camera without a running node: what is computed, what is counted, what goes wrong."""

import re
import time
from unittest.mock import Mock

import numpy as np
import pytest
from ros_bench import image_message
from std_msgs.msg import Header

from stdc_core.engines import Segmentation, StageTimes
from stdc_core.labels import CAMVID, LabelSet
from stdc_seg_ros import camera as camera_module
from stdc_seg_ros import camera_outputs
from stdc_seg_ros.camera import Camera
from stdc_seg_ros.camera_input import Arrival
from stdc_seg_ros.image_messages import CameraFrame
from stdc_seg_ros.mailbox import Mailbox
from stdc_seg_ros.parameters import ParameterServer

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)


class FakeEngines:
    """Class 3 everywhere; what is not asked for is not computed."""

    def __init__(self):
        self.asked = []
        self.error = None
        self.labels = None  # instead of class 3

    def choose(self, detail):
        self.detail = detail
        return self

    def infer(self, frame, *, color_order, confidence):
        if self.error:
            raise self.error
        self.asked.append({'confidence': confidence, 'detail': self.detail})
        size = frame.shape[:2]
        return Segmentation(
            labels=np.full(size, 3, np.uint8) if self.labels is None else self.labels,
            confidence=np.arange(48, dtype=np.uint8).reshape(size) if confidence else None,
            detail=np.full(size, 9, np.uint8) if self.detail else None,
            stage_ms=StageTimes(1.0, 20.0, 2.0),
        )


@pytest.fixture
def engines():
    return FakeEngines()


@pytest.fixture
def make_camera(make_node):
    cameras = []

    def make(**parameters):
        node = make_node(**parameters)
        settings = ParameterServer(node)
        camera = Camera(node, '', CAMVID, settings, Mailbox())
        camera.ledger.set_active(True)
        cameras.append(camera)
        return camera

    yield make
    for camera in cameras:
        camera.destroy()


@pytest.fixture
def published(monkeypatch):
    """Messages by output, instead of into the middleware."""
    messages = {}

    def publish(outputs, name, message):
        messages.setdefault(name, []).append(message)

    monkeypatch.setattr(camera_outputs.CameraOutputs, '_publish', publish)
    return messages


def subscribe(monkeypatch, *names):
    monkeypatch.setattr(camera_outputs.CameraOutputs, 'wanted', lambda outputs: set(names))


def arrive(camera, sequence, message=None):
    arrival = Arrival(
        message=image_message(PIXELS) if message is None else message,
        publisher=b'camera',
        sequence=sequence,
        source_ns=1000 * sequence,
        transport_ms=1.5,
        received_at=time.perf_counter(),
    )
    camera._receive(arrival)
    return arrival


def count_calls(monkeypatch, owner, *names):
    calls = dict.fromkeys(names, 0)
    for name in names:
        real = getattr(owner, name)

        def call(*arguments, name=name, real=real, **named):
            calls[name] += 1
            return real(*arguments, **named)

        monkeypatch.setattr(owner, name, call)
    return calls


@pytest.mark.parametrize(
    ('wanted', 'computed'),
    [
        ((), {}),
        (('mask',), {}),
        (('mask', 'confidence'), {'confidence': 1}),
        (('detail',), {'detail': 1}),
        (('overlay',), {'overlay': 1, 'colorize': 1}),
        (('overlay', 'overlay/compressed'), {'overlay': 1, 'colorize': 1, 'compress': 1}),
        (('color_mask',), {'colorize': 1}),
        (('mask/compressed',), {'compress': 1}),
    ],
)
def test_only_what_is_wanted_is_computed(
    make_camera, engines, published, monkeypatch, wanted, computed
):
    subscribe(monkeypatch, *wanted)
    drawn = count_calls(monkeypatch, LabelSet, 'overlay', 'colorize')
    packed = count_calls(monkeypatch, camera_outputs, 'compressed_message')
    camera = make_camera()
    camera.process(engines, arrive(camera, 1))
    (asked,) = engines.asked
    found = {**drawn, **asked, 'compress': packed['compressed_message']}
    assert {name: int(times) for name, times in found.items() if times} == computed
    assert set(published) == set(wanted)
    assert camera.ledger.snapshot().processed == 1


def test_an_output_may_be_published_first_while_the_diagnostics_are_made(make_camera, monkeypatch):
    outputs = make_camera().outputs
    monkeypatch.setattr(
        outputs, '_publishers', dict.fromkeys(camera_outputs.MESSAGE_TYPES, Mock())
    )
    pixels = np.zeros((2, 3), np.uint8)
    outputs.publish_mask({'mask'}, Header(), pixels)
    reading = iter(outputs.published.items())
    assert next(reading) == ('mask', 1)
    result = Segmentation(pixels, pixels, None, StageTimes(1.0, 20.0, 2.0))
    frame = CameraFrame(np.zeros((2, 3, 3), np.uint8), 'rgb')
    outputs.publish_rest({'confidence'}, Header(), frame, result, None, 0.5, 90)
    assert dict(reading)['confidence'] == 1


def test_the_mask_comes_first(make_camera, engines, published, monkeypatch):
    names = [name for name in camera_outputs.MESSAGE_TYPES if name != 'camera_info']
    subscribe(monkeypatch, *names)
    camera = make_camera()
    camera.process(engines, arrive(camera, 1))
    assert next(iter(published)) == 'mask'
    assert set(published) == set(names)


def test_camera_info_is_not_invented(make_camera, engines, published, monkeypatch):
    subscribe(monkeypatch, 'camera_info')
    camera = make_camera()
    camera.process(engines, arrive(camera, 1))
    assert published == {}


def test_below_the_threshold_is_unlabeled_everywhere(make_camera, engines, published, monkeypatch):
    subscribe(monkeypatch, 'mask', 'color_mask')
    camera = make_camera(confidence_threshold=20 / 255)
    camera.process(engines, arrive(camera, 1))
    low = np.arange(48).reshape(6, 8) < 20
    mask = np.frombuffer(published['mask'][0].data, np.uint8).reshape(6, 8)
    np.testing.assert_array_equal(mask, np.where(low, 255, 3))
    colors = np.frombuffer(published['color_mask'][0].data, np.uint8).reshape(6, 8, 3)
    assert (colors[low] == 0).all()
    assert (colors[~low] == CAMVID.colors[3]).all()


def test_an_engine_that_fails_costs_one_frame(make_camera, engines, published, monkeypatch):
    subscribe(monkeypatch, 'mask')
    camera = make_camera()
    engines.error = RuntimeError('out of memory')
    camera.process(engines, arrive(camera, 1))
    assert camera.statistics.problem.state == 'failing'
    assert camera.statistics.problem.message == 'frame failed: RuntimeError: out of memory'
    engines.error = None
    camera.process(engines, arrive(camera, 2))
    assert camera.statistics.problem is None
    snapshot = camera.ledger.snapshot()
    assert (snapshot.failed, snapshot.processed, snapshot.balance) == (1, 1, 0)
    assert len(published['mask']) == 1


@pytest.mark.parametrize(
    ('labels', 'message'),
    [
        (np.full((6, 7), 3, np.uint8), r'labels of uint8 and shape \(6, 7\), expected'),
        (np.full((6, 8), 3, np.int64), r'labels of int64 and shape \(6, 8\), expected uint8'),
        (np.full((6, 8), 11, np.uint8), 'label 11, expected 0 to 10'),
    ],
)
def test_labels_that_cannot_be_are_not_published(
    make_camera, engines, published, monkeypatch, labels, message
):
    subscribe(monkeypatch, 'mask')
    camera = make_camera(confidence_threshold=0.5)
    engines.labels = labels
    camera.process(engines, arrive(camera, 1))
    assert published == {}
    assert camera.ledger.snapshot().failed == 1
    assert re.search(message, camera.statistics.last_problem.message)


def test_a_publisher_that_fails_costs_one_frame(make_camera, engines, monkeypatch):
    subscribe(monkeypatch, 'mask')

    def fail(*arguments):
        raise RuntimeError('no more shared memory')

    monkeypatch.setattr(camera_outputs.CameraOutputs, '_publish', fail)
    camera = make_camera()
    camera.process(engines, arrive(camera, 1))
    assert camera.ledger.snapshot().failed == 1


def test_bad_images_are_rejected(make_camera, engines, published, monkeypatch):
    subscribe(monkeypatch, 'mask')
    camera = make_camera()
    message = image_message(PIXELS)
    message.height += 1
    camera.process(engines, arrive(camera, 1, message))
    snapshot = camera.ledger.snapshot()
    assert (snapshot.rejected, snapshot.balance) == (1, 0)
    assert 'height 7' in camera.statistics.problem.message
    assert engines.asked == []


def test_what_the_mailbox_replaces_is_counted(make_camera):
    camera = make_camera()
    for sequence in (1, 2, 4):
        arrive(camera, sequence)
    snapshot = camera.ledger.snapshot()
    assert (snapshot.replaced, snapshot.in_flight, snapshot.lost) == (2, 1, 1)


def test_duplicates_do_not_reach_the_engine(make_camera):
    camera = make_camera()
    arrive(camera, 1)
    assert camera._mailbox.put(camera, 'probe') is not None
    arrive(camera, 1)
    assert camera._mailbox.put(camera, 'probe') == 'probe'
    assert camera.ledger.snapshot().duplicates == 1


def test_durations_add_up(make_camera, engines, published, monkeypatch):
    subscribe(monkeypatch, 'mask')
    camera = make_camera()
    arrival = arrive(camera, 1)
    camera.process(engines, arrival)
    found = {
        name: summary and summary.max for name, summary in camera.statistics.summaries().items()
    }
    assert (found['transport'], found['resize'], found['network'], found['tail']) == (
        1.5,
        1,
        20,
        2,
    )
    assert found['whole'] >= 1.5 + found['wait'] + found['decode'] + found['publish_mask']
    assert found['header_age'] is None  # no stamp


def test_without_a_time_of_publishing_no_age_is_invented(make_camera, engines, published):
    camera = make_camera()
    message = image_message(PIXELS)
    camera.ledger.received(None, None)
    arrival = Arrival(message, None, None, None, None, time.perf_counter())
    camera.process(engines, arrival)
    summaries = camera.statistics.summaries()
    assert summaries['transport'] is summaries['whole'] is None
    assert summaries['wait'] is not None


def stamped(second):
    message = image_message(PIXELS)
    message.header.stamp.sec = second
    return message


def show_clock(camera, second):
    from rclpy.time import Time

    clock = camera._node.get_clock()
    clock.set_ros_time_override(Time(seconds=second, clock_type=clock.clock_type))


def header_age(camera):
    return camera.statistics.summaries()['header_age']


def test_the_header_ages_by_the_nodes_clock(make_camera, engines, published):
    camera = make_camera(use_sim_time=True)
    camera.process(engines, arrive(camera, 1, stamped(7)))
    assert header_age(camera) is None  # no /clock yet
    show_clock(camera, 9)
    camera.process(engines, arrive(camera, 2, stamped(7)))
    assert header_age(camera).max == 2000


def test_ages_of_before_a_jump_of_the_clock_are_forgotten(make_camera, engines, published):
    camera = make_camera(use_sim_time=True)
    show_clock(camera, 900)
    camera.process(engines, arrive(camera, 1, stamped(7)))
    waiting = arrive(camera, 2, stamped(899))
    show_clock(camera, 6)
    camera.clock_jumped()
    assert header_age(camera) is None
    camera.process(engines, waiting)  # it belongs to the time before
    assert header_age(camera) is None
    camera.process(engines, arrive(camera, 3, stamped(5)))
    assert header_age(camera).max == 1000
    assert camera.statistics.summaries()['whole'].count == 3


def test_the_camera_says_when_the_engine_is_stuck(make_camera, engines, published, monkeypatch):
    camera = make_camera()
    states = []
    real = FakeEngines.infer

    def infer(*arguments, **named):
        monkeypatch.setattr(camera_module.time, 'monotonic', lambda: time.perf_counter() + 1e6)
        states.append(camera.state(clock_stands_still=False).state)
        return real(*arguments, **named)

    monkeypatch.setattr(FakeEngines, 'infer', infer)
    camera.process(engines, arrive(camera, 1))
    assert states == ['stuck']
