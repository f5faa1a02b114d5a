"""Bags as they are written; what is in them is read by ROS's own deserialiser."""

import json
import os
import sys
import weakref
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from stdc_core.errors import InvalidArgumentError
from stdc_seg_ros.bag.bag_reader import BagReader
from stdc_seg_ros.bag.bag_writer import (
    COMPRESSED_TOPIC,
    IMAGE_TOPIC,
    INFO_TOPIC,
    LABEL_TOPIC,
    BagConfig,
    LabeledImage,
    write_bag,
)
from stdc_seg_ros.bag.errors import BagError
from stdc_seg_ros.image_messages import decode_compressed, decode_image

FIRST_NS = 1_234_567_890_123_456_789


def read(path, topic, message_type):
    """Messages of a topic as rclpy understands them, with the times they were recorded."""
    with BagReader(path) as bag:
        raw = list(bag.read_raw([topic]))
    return [(item.recorded_ns, deserialize_message(item.data, message_type)) for item in raw]


def stamp_ns(message) -> int:
    return message.header.stamp.sec * 10**9 + message.header.stamp.nanosec


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
@pytest.mark.parametrize('encoding', ['rgb8', 'bgr8'])
def test_pictures_and_labels_come_back_as_they_were(tmp_path, drive, storage, encoding):
    path = tmp_path / 'drive'
    config = BagConfig(15, FIRST_NS, encoding, storage, frame_id='front')
    summary = write_bag(path, drive, config)
    assert (summary.path, summary.frames, summary.labeled) == (path, 7, 3)
    messages = read(path, IMAGE_TOPIC, Image)
    labels = read(path, LABEL_TOPIC, Image)
    assert (len(messages), len(labels)) == (7, 3)
    labeled = dict(labels)
    for index, (picture, (recorded_ns, message)) in enumerate(zip(drive, messages, strict=True)):
        assert recorded_ns == stamp_ns(message) == FIRST_NS + round(Fraction(index * 10**9, 15))
        assert message.header.frame_id == 'front'
        assert (message.encoding, message.step) == (encoding, 45 * 3)
        frame = decode_image(message)
        pixels = frame.pixels if encoding == 'rgb8' else frame.pixels[..., ::-1]
        np.testing.assert_array_equal(pixels, picture.image)
        if picture.labels is not None:
            mask = labeled[recorded_ns]
            assert mask.header == message.header
            assert (mask.encoding, mask.step, mask.height, mask.width) == ('mono8', 45, 31, 45)
            assert bytes(mask.data) == picture.labels.tobytes()


def test_camera_info_goes_beside_every_picture(tmp_path, drive):
    write_bag(tmp_path / 'drive', drive)
    infos = read(tmp_path / 'drive', INFO_TOPIC, CameraInfo)
    images = read(tmp_path / 'drive', IMAGE_TOPIC, Image)
    assert [info.header for _, info in infos] == [image.header for _, image in images]
    for _, info in infos:
        assert (info.height, info.width) == (31, 45)
        k = np.reshape(info.k, (3, 3))
        assert k[0, 0] == k[1, 1] == 0.8 * 45
        assert (k[0, 2], k[1, 2], k[2, 2]) == (22, 15, 1)
        np.testing.assert_array_equal(np.reshape(info.p, (3, 4))[:, :3], k)
        np.testing.assert_array_equal(np.reshape(info.r, (3, 3)), np.eye(3))
        assert info.distortion_model == 'plumb_bob'
        assert list(info.d) == [0] * 5


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
def test_files_go_into_a_compressed_topic_as_they_are(tmp_path, drive, storage, suffix):
    files = [cv2.imencode(suffix, picture.image)[1].tobytes() for picture in drive]
    pictures = [picture._replace(file=file) for picture, file in zip(drive, files, strict=True)]
    write_bag(tmp_path / 'drive', pictures, BagConfig(encoding='compressed', storage=storage))
    messages = read(tmp_path / 'drive', COMPRESSED_TOPIC, CompressedImage)
    assert [bytes(message.data) for _, message in messages] == files
    assert {message.format for _, message in messages} == {'png' if suffix == '.png' else 'jpeg'}


def test_pictures_without_files_are_compressed(tmp_path):
    image = np.full((16, 16, 3), (250, 120, 10), np.uint8)
    write_bag(tmp_path / 'drive', [LabeledImage(image)], BagConfig(encoding='compressed'))
    [(_, message)] = read(tmp_path / 'drive', COMPRESSED_TOPIC, CompressedImage)
    assert np.abs(decode_compressed(message).pixels[..., ::-1].astype(int) - image).max() <= 4


def test_a_rate_without_a_finite_period_does_not_drift():
    config = BagConfig(rate_hz=30000 / 1001, first_stamp_ns=0)
    exact = Fraction(30_000_000 * 10**9) / Fraction(30000 / 1001)
    assert abs(config.stamp_ns(30_000_000) - exact) <= Fraction(1, 2)


def test_one_picture_at_a_time_is_in_memory(tmp_path):
    alive = []

    def pictures():
        for _ in range(9):
            image = np.zeros((20, 30, 3), np.uint8)
            alive.append(weakref.ref(image))
            assert sum(reference() is not None for reference in alive) <= 2
            yield LabeledImage(image)

    assert write_bag(tmp_path / 'drive', pictures()).frames == 9


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
@pytest.mark.parametrize('exception', [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_bag_that_does_not_get_ready_leaves_nothing(tmp_path, drive, storage, exception):
    def pictures():
        yield from drive[:3]
        raise exception('half-way')

    with pytest.raises(exception, match='half-way'):
        write_bag(tmp_path / 'drive', pictures(), BagConfig(storage=storage))
    assert not list(tmp_path.iterdir())


def test_what_is_there_stays(tmp_path, drive):
    (tmp_path / 'drive').mkdir()
    with pytest.raises(BagError, match='drive is there already: name another'):
        write_bag(tmp_path / 'drive', drive)
    assert [path.name for path in tmp_path.rglob('*')] == ['drive']


def test_no_pictures_are_no_bag(tmp_path):
    with pytest.raises(BagError, match='would be empty'):
        write_bag(tmp_path / 'drive', [])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ('image', 'labels', 'expected'),
    [
        (np.zeros((4, 5), np.uint8), None, r'picture 0 is uint8 of shape \(4, 5\), expected'),
        (np.zeros((4, 5, 3)), None, 'picture 0 is float64'),
        (np.zeros((0, 5, 3), np.uint8), None, 'picture 0 is uint8'),
        (
            np.zeros((4, 5, 3), np.uint8),
            np.zeros((4, 6), np.uint8),
            r'labels .*\(4, 6\), expected',
        ),
        (np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5), np.int64), 'labels .*int64'),
    ],
)
def test_arrays_of_another_kind_are_refused(tmp_path, image, labels, expected):
    with pytest.raises(ValueError, match=expected):
        write_bag(tmp_path / 'drive', [LabeledImage(image, labels)])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ('fields', 'expected'),
    [
        ({'rate_hz': 0}, 'rate is 0 Hz, expected'),
        ({'rate_hz': float('nan')}, 'rate is nan'),
        ({'rate_hz': float('inf')}, 'rate is inf'),
        ({'first_stamp_ns': -1}, 'first stamp is -1 ns, expected 1970 to 2038'),
        ({'first_stamp_ns': 1 << 62}, 'expected 1970 to 2038'),
        ({'encoding': 'mono8'}, r"unknown encoding 'mono8' \(known: rgb8, bgr8, compressed\)"),
        ({'storage': 'bag'}, r"unknown storage 'bag' \(known: mcap, sqlite3\)"),
    ],
)
def test_values_outside_their_range_are_refused(fields, expected):
    with pytest.raises(InvalidArgumentError, match=expected):
        BagConfig(**fields)


def test_files_are_named_by_the_bag_and_types_by_ros(tmp_path, drive):
    write_bag(tmp_path / 'drive', drive)
    assert sorted(path.name for path in (tmp_path / 'drive').iterdir()) == [
        'drive.mcap',
        'metadata.yaml',
    ]
    metadata = yaml.safe_load((tmp_path / 'drive' / 'metadata.yaml').read_text())
    information = metadata['rosbag2_bagfile_information']
    assert information['relative_file_paths'] == ['drive.mcap']
    for topic in information['topics_with_message_count']:
        found = topic['topic_metadata']
        assert found['type_description_hash'] == hash_of_ros(found['type'])


def hash_of_ros(message_type: str) -> str:
    """Find what the installed ROS says of the type."""
    package, _, name = message_type.split('/')
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    paths = [Path(prefix, 'share', package, 'msg', f'{name}.json') for prefix in prefixes]
    found = [path for path in paths if path.is_file()]
    if not found:
        pytest.skip('this ROS has no type hashes (before Iron)')
    entries = json.loads(found[0].read_text())['type_hashes']
    return next(entry['hash_string'] for entry in entries if entry['type_name'] == message_type)
