"""Images in over real topics, results out of the real node: equal to the engine's, offline."""

import json
import re

import cv2
import numpy as np
import pytest
from ros_bench import Bench, Camera, ask, image_message, pixels_of, wait_for

from stdc_core.engines import open_engine
from stdc_core.labels import CAMVID

NODE = 'segmentation_node'
SIZE = (90, 170)


@pytest.fixture(scope='module')
def engine(model):
    with open_engine(model, 'onnxruntime', threads=1, detail=True) as engine:
        yield engine


@pytest.fixture(scope='module')
def node(start_node, model_path):
    # The oracle's own backend: random weights are near ties, where backends differ.
    return start_node(model=model_path, backend='onnxruntime', threads=1).wait_line('active: ')


@pytest.fixture(scope='module')
def camera(bench, node):
    return Camera(bench).wait_matched()


@pytest.fixture
def collect(bench, node):
    """Subscribe to an output until the end of the test."""
    collectors = []

    def start(message_type, name, **qos):
        collectors.append(bench.collect(message_type, f'{NODE}/{name}', **qos))
        return collectors[-1]

    yield start
    for collector in collectors:
        collector.close()


@pytest.fixture
def set_parameter(bench, node):
    """Set a parameter at run time until the end of the test; what the node answers."""
    from rcl_interfaces.srv import GetParameters, SetParameters
    from rclpy.parameter import Parameter

    before = []

    def call(*parameters):
        request = SetParameters.Request(parameters=list(parameters))
        return bench.service(SetParameters, f'{NODE}/set_parameters', request).results[0]

    def set_it(name, value):
        request = GetParameters.Request(names=[name])
        old = bench.service(GetParameters, f'{NODE}/get_parameters', request).values[0]
        parameter = Parameter(name, value=value).to_parameter_msg()
        result = call(parameter)
        if result.successful:
            before.append(type(parameter)(name=name, value=old))
        return result

    yield set_it
    for parameter in before:
        assert call(parameter).successful


def street(seed, height, width):
    """Noise over a gradient, so that several classes win."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 60, (height, width, 3)) + np.linspace(0, 190, width)[:, None]
    return pixels.astype(np.uint8)


@pytest.mark.parametrize(
    ('encoding', 'padding', 'size'),
    [('rgb8', 0, SIZE), ('bgr8', 0, (97, 131)), ('rgb8', 5, (64, 80)), ('bgr8', 3, (96, 160))],
)
def test_mask_and_header_are_exact(camera, collect, engine, encoding, padding, size):
    from sensor_msgs.msg import Image

    pixels = street(1, *size)
    message = image_message(pixels, encoding, padding=padding, frame_id='front optical')
    (mask,) = ask(camera, message, collect(Image, 'mask'))
    assert mask.header.frame_id == 'front optical'
    assert (mask.encoding, mask.height, mask.width, mask.step) == ('mono8', *size, size[1])
    expected = engine.infer(pixels, color_order=encoding[:3]).labels
    assert len(np.unique(expected)) > 1
    np.testing.assert_array_equal(pixels_of(mask), expected)


@pytest.mark.parametrize('encoding', ['rgb8', 'bgr8'])
def test_all_other_outputs_are_exact(camera, collect, engine, encoding):
    from sensor_msgs.msg import CompressedImage, Image

    pixels = street(2, *SIZE)
    names = ('mask', 'detail', 'confidence', 'overlay', 'color_mask')
    collectors = [collect(Image, name) for name in names]
    collectors += [collect(CompressedImage, f'{name}/compressed') for name in ('mask', 'overlay')]
    answers = ask(camera, image_message(pixels, encoding), *collectors)
    assert {message.header.frame_id for message in answers} == {'camera_optical'}

    expected = engine.infer(pixels, color_order=encoding[:3], confidence=True)
    rgb = pixels if encoding == 'rgb8' else pixels[..., ::-1].copy()
    overlay = CAMVID.overlay(rgb, expected.labels, 0.5, 'rgb')
    raw = [expected.labels, expected.detail, expected.confidence, overlay]
    raw.append(CAMVID.colorize(expected.labels, 'rgb'))
    for name, message, pixels in zip(names, answers, raw, strict=False):
        np.testing.assert_array_equal(pixels_of(message), pixels, err_msg=name)

    png, jpeg = (np.frombuffer(message.data, np.uint8) for message in answers[-2:])
    assert answers[-2].format.startswith('mono8; png')
    np.testing.assert_array_equal(cv2.imdecode(png, cv2.IMREAD_UNCHANGED), expected.labels)
    assert answers[-1].format.startswith('rgb8; jpeg')
    bgr = overlay[..., ::-1].astype(int)
    assert np.abs(cv2.imdecode(jpeg, cv2.IMREAD_COLOR) - bgr).mean() < 8  # noise, as JPEG keeps it


def test_nothing_is_published_that_nobody_subscribes_to(camera, collect, diagnostics):
    from sensor_msgs.msg import Image

    def messages():
        _, _, values = diagnostics.wait('image', lambda *status: True, 'a status')
        return {key: value for key, value in values.items() if key.startswith('messages ')}

    masks = collect(Image, 'mask')
    message = image_message(street(3, *SIZE))
    ask(camera, message, masks)
    before = messages()
    masks.clear()
    for _ in range(5):
        ask(camera, message, masks)
    after = messages()
    assert int(after.pop('messages mask')) > int(before.pop('messages mask'))
    assert after == before


def test_camera_info_is_repeated_in_the_header_of_the_frame(bench, camera, collect):
    from rclpy.qos import QoSProfile
    from sensor_msgs.msg import CameraInfo, Image

    publisher = bench.call(
        lambda: bench.node.create_publisher(CameraInfo, 'camera_info', QoSProfile(depth=1))
    )
    wait_for('the node', publisher.get_subscription_count)
    info = CameraInfo(height=SIZE[0], width=SIZE[1], distortion_model='plumb_bob')
    info.header.stamp.sec = 5
    publisher.publish(info)
    repeated, _ = ask(
        camera,
        image_message(street(4, *SIZE), frame_id='front optical'),
        collect(CameraInfo, 'camera_info'),
        collect(Image, 'mask'),
    )
    bench.call(lambda: bench.node.destroy_publisher(publisher))
    assert repeated.header.frame_id == 'front optical'
    assert repeated.distortion_model == 'plumb_bob'
    assert (repeated.height, repeated.width) == SIZE


def test_names_of_the_ids_wait_for_whoever_comes(collect):
    from std_msgs.msg import String

    message = collect(String, 'label_info_json', latched=True, depth=1).wait('label info')
    described = json.loads(message.data)
    assert described['unlabeled_id'] == 255
    assert [entry['name'] for entry in described['classes']] == list(CAMVID.names)
    assert described['classes'][3] == {'id': 3, 'name': 'Road', 'color': [128, 64, 128]}


def test_low_confidence_becomes_unlabeled_at_once(camera, collect, engine, set_parameter):
    from sensor_msgs.msg import Image
    from std_msgs.msg import String

    pixels = street(5, *SIZE)
    expected = engine.infer(pixels, color_order='rgb', confidence=True)
    threshold = float(np.median(expected.confidence)) / 255
    assert set_parameter('confidence_threshold', threshold).successful
    (mask,) = ask(camera, image_message(pixels), collect(Image, 'mask'))
    low = expected.confidence < 255 * threshold
    assert 0.1 < low.mean() < 0.9
    np.testing.assert_array_equal(pixels_of(mask), np.where(low, 255, expected.labels))
    names = collect(String, 'label_info_json', latched=True, depth=1)
    names.wait(
        'the new threshold',
        lambda message: json.loads(message.data)['confidence_threshold'] == threshold,
    )


@pytest.mark.parametrize(
    ('name', 'value', 'reason'),
    [
        ('confidence_threshold', 1.5, 'out of range'),
        ('backend', 'tensorflow', 'unknown backend .tensorflow. .known: auto, tensorrt, openvino'),
        ('network_size', [32, 64], 'network size is 32x64, expected height and width of 64'),
        ('autostart', False, 'read-only'),
    ],
)
def test_wrong_values_are_refused_by_what_came(set_parameter, name, value, reason):
    result = set_parameter(name, value)
    assert not result.successful
    assert re.search(reason, result.reason)


def test_bad_images_are_rejected_and_the_next_good_one_is_not(camera, collect, diagnostics, node):
    from sensor_msgs.msg import Image

    masks = collect(Image, 'mask')
    good = image_message(street(6, *SIZE))
    ask(camera, good, masks)
    bad = image_message(street(6, *SIZE))
    bad.step -= 1

    def is_rejected(level, message, values):
        camera.publish(bad)
        return values['state'] == 'rejected'

    level, message, values = diagnostics.wait('image', is_rejected, 'a rejected image')
    assert level == b'\x02'
    assert 'expected a step of at least 510 bytes' in message
    assert int(values['frames rejected']) > 0
    assert values['ledger balance'] == '0'
    node.wait_line('image rejected: rgb8 image of width 170')
    ask(camera, good, masks)

    def is_running(level, message, values):  # once the bad ones are five seconds old
        camera.publish(good)
        return values['state'] == 'running'

    diagnostics.wait('image', is_running, 'good images')


def test_a_publisher_of_another_type_is_named(bench, node):
    from sensor_msgs.msg import CompressedImage

    other = Bench(bench.namespace)  # one participant cannot have two types on a topic
    Camera(other, message_type=CompressedImage)
    node.wait_line('sensor_msgs/msg/CompressedImage is published on')
    other.close()


def test_no_output_of_the_node_is_an_error_of_python(node):
    assert 'Traceback' not in node.output
