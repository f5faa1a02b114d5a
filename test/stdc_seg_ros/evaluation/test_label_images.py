import struct
import zlib

import cv2
import numpy as np
import pytest
from ros_bench import image_message

from stdc_core.labels import CAMVID, LabelSet
from stdc_seg_ros.bag.bag_reader import COMPRESSED_IMAGE, IMAGE
from stdc_seg_ros.bag.errors import BagError
from stdc_seg_ros.evaluation.label_images import LabelImages
from stdc_seg_ros.image_messages.write import compressed_message

IDS = np.array([[0, 10, 11], [255, 3, 4]], np.uint8)
EXPECTED = np.array([[0, 10, 255], [255, 3, 4]], np.uint8)


@pytest.fixture
def images():
    return LabelImages(CAMVID)


def header():
    from std_msgs.msg import Header

    return Header()


@pytest.mark.parametrize('encoding', ['mono8', '8UC1'])
def test_ids_and_the_ignore_id(images, encoding):
    message = image_message(IDS[..., None], 'mono8')
    message.encoding = encoding
    np.testing.assert_array_equal(images.of_message(message, IMAGE, 'it'), EXPECTED)


@pytest.mark.parametrize('encoding', ['rgb8', 'bgr8'])
def test_colours_of_the_label_set_and_black(images, encoding):
    message = image_message(CAMVID.colorize(EXPECTED, encoding[:3]), 'rgb8')
    message.encoding = encoding
    np.testing.assert_array_equal(images.of_message(message, IMAGE, 'it'), EXPECTED)


@pytest.mark.parametrize('picture', [IDS, CAMVID.colorize(EXPECTED, 'bgr')])
def test_png_files_and_compressed_topics(images, picture):
    data = cv2.imencode('.png', picture)[1].tobytes()
    np.testing.assert_array_equal(images.of_file(data, 'it'), EXPECTED)
    message = compressed_message(IDS, 'mono8', 'png', header())
    np.testing.assert_array_equal(images.of_message(message, COMPRESSED_IMAGE, 'it'), EXPECTED)


@pytest.mark.parametrize('bits', [1, 2, 4])
def test_ids_of_few_bits_are_not_scaled(images, bits):
    ids = np.arange(16, dtype=np.uint8).reshape(2, 8) % min(11, 1 << bits)
    each = np.unpackbits(ids[..., None], axis=2)[..., -bits:]
    lines = np.packbits(each.reshape(2, -1), axis=1)
    chunks = [
        (b'IHDR', struct.pack('>IIBBBBB', 8, 2, bits, 0, 0, 0, 0)),
        (b'IDAT', zlib.compress(b''.join(b'\0' + line.tobytes() for line in lines))),
        (b'IEND', b''),
    ]
    file = b'\x89PNG\r\n\x1a\n' + b''.join(
        struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
        for kind, data in chunks
    )
    np.testing.assert_array_equal(images.of_file(file, 'it'), ids)


def test_a_class_that_is_black_stays_a_class():
    labels = LabelSet('dark', ('night', 'lamp'), ((0, 0, 0), (255, 255, 0)))
    ids = np.array([[0, 1]], np.uint8)
    data = cv2.imencode('.png', labels.colorize(ids, 'bgr'))[1].tobytes()
    np.testing.assert_array_equal(LabelImages(labels).of_file(data, 'it'), ids)


@pytest.mark.parametrize(
    ('picture', 'kind', 'expected'),
    [
        (
            np.full((2, 3), 34, np.uint8),
            '.png',
            r'it: label 34 \(6 pixels\) is outside 0\.\.10, 11',
        ),
        (np.full((2, 3, 3), 7, np.uint8), '.png', r'it: colour \(7, 7, 7\) \(6 pixels\) is none'),
        (IDS, '.jpg', r'labels are no PNG, expected one \(a JPEG changes ids\)'),
        (IDS.astype(np.uint16), '.png', 'labels have uint16 values'),
    ],
)
def test_what_is_no_class_is_refused(images, picture, kind, expected):
    data = cv2.imencode(kind, picture)[1].tobytes()
    with pytest.raises(BagError, match=expected):
        images.of_file(data, 'it')


def test_a_png_that_is_cut_off_is_refused(images):
    data = cv2.imencode('.png', np.random.default_rng(0).integers(0, 9, (64, 64)))[1].tobytes()
    with pytest.raises(BagError, match='no image that OpenCV can read, expected a'):
        images.of_file(data[:60], 'it')
