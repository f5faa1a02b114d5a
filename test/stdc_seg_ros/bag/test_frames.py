"""``stdc_seg quantize --bag``: which pictures of a bag it gets, and what is refused."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from stdc_core.command_line.calibration import bag_of
from stdc_core.geometry import Size
from stdc_seg_ros.bag import command_line
from stdc_seg_ros.bag.bag_writer import (
    IMAGE_TOPIC,
    LABEL_TOPIC,
    BagConfig,
    LabeledImage,
    write_bag,
)
from stdc_seg_ros.bag.errors import BagError
from stdc_seg_ros.bag.frames import open_bag


@pytest.fixture
def bag_path(tmp_path, drive):
    return write_bag(tmp_path / 'drive', drive, BagConfig(rate_hz=10)).path


def test_frames_are_spread_over_the_bag_and_come_as_bgr(bag_path, drive):
    opened = open_bag(bag_path, None, 3)
    assert (opened.name, opened.total, opened.live) == (IMAGE_TOPIC, 3, False)
    frames = list(opened.frames)
    assert [frame.name for frame in frames] == ['000000', '000003', '000006']
    for frame, number in zip(frames, (0, 3, 6), strict=True):
        np.testing.assert_array_equal(frame.image, drive[number].image[..., ::-1])


@pytest.mark.parametrize('encoding', ['bgr8', 'compressed'])
def test_every_kind_of_bag_gives_the_same_pictures(tmp_path, drive, encoding):
    drive = [
        LabeledImage(image, None, cv2.imencode('.png', image[..., ::-1])[1].tobytes())
        for image, _, _ in drive
    ]
    path = write_bag(tmp_path / 'drive', drive, BagConfig(rate_hz=10, encoding=encoding)).path
    for frame, picture in zip(open_bag(path, None, 9).frames, drive, strict=True):
        np.testing.assert_array_equal(frame.image, picture.image[..., ::-1])


def test_every_fifth_frame_is_held_out_and_the_file_will_say_where_they_are_from(bag_path, model):
    calibration = bag_of(open_bag, bag_path, None, model, Size(64, 96), 4, lambda number: None)
    assert (len(calibration.images), len(calibration.held_out)) == (4, 1)
    assert calibration.facts == {'source': str(bag_path), 'topic': IMAGE_TOPIC}


@pytest.mark.parametrize(
    ('topic', 'message'),
    [
        ('/gone', 'has no topic /gone (topics: '),
        ('/camera/camera_info', 'has messages of sensor_msgs/msg/CameraInfo, expected images'),
        (LABEL_TOPIC, f'{LABEL_TOPIC} has 3 frame(s), expected at least 5'),
    ],
)
def test_what_is_refused(bag_path, model_path, tmp_path, monkeypatch, capsys, topic, message):
    arguments = ('quantize', model_path, tmp_path / 'int8.onnx', '--bag', bag_path)
    monkeypatch.setattr(sys, 'argv', ['stdc_seg', *map(str, arguments), '--topic', topic])
    assert command_line.stdc_seg() == 1
    error = capsys.readouterr().err
    assert error.startswith('stdc_seg: ')
    assert message in error
    assert error.count('\n') == 1
    assert not (tmp_path / 'int8.onnx').exists()


def test_an_image_that_contradicts_itself_is_named(bag_path, monkeypatch):
    with pytest.raises(BagError, match='there is no bag'):
        open_bag(bag_path / 'gone', None, 9)

    def broken(message):
        raise BagError('image data has 3 bytes')

    monkeypatch.setattr('stdc_seg_ros.bag.frames.decode_image', broken)
    with pytest.raises(BagError, match=rf'image 0 of {IMAGE_TOPIC}: image data has 3 bytes'):
        list(open_bag(bag_path, None, 9).frames)


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
@pytest.mark.parametrize('at_most', [2, 9])
def test_fewer_images_than_the_metadata_promises_are_said(tmp_path, drive, storage, at_most):
    path = write_bag(tmp_path / 'drive', drive, BagConfig(storage=storage)).path
    metadata = path / 'metadata.yaml'
    metadata.write_text(metadata.read_text().replace('message_count: 7', 'message_count: 9'))
    expected = f'has 7 images on {IMAGE_TOPIC}, its metadata promises 9: run ros2 bag reindex'
    with pytest.raises(BagError, match=expected):
        list(open_bag(path, None, at_most).frames)


def test_bags_are_opened_without_ros():
    code = (
        'import sys, stdc_seg_ros.bag.frames\n'
        'sys.exit(bool({"rclpy", "sensor_msgs", "std_msgs", "torch"} & sys.modules.keys()))'
    )
    subprocess.run([sys.executable, '-c', code], check=True)
