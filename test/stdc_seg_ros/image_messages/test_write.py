import cv2
import numpy as np
import pytest
from builtin_interfaces.msg import Time
from hypothesis import given, settings
from hypothesis import strategies as st
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from stdc_seg_ros.image_messages import decode_compressed, decode_image
from stdc_seg_ros.image_messages.write import ImageWriter, compressed_message

ENCODINGS = ('mono8', 'rgb8', 'bgr8')
HEADER = Header(stamp=Time(sec=12, nanosec=345_678_901), frame_id='camera_optical_frame')


def picture(encoding, height=5, width=7, seed=0) -> np.ndarray:
    shape = (height, width) if encoding == 'mono8' else (height, width, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def check(message: Image, pixels: np.ndarray, encoding: str) -> None:
    """Check the fields, and what a subscriber gets."""
    assert message.header == HEADER
    assert message.encoding == encoding
    assert (message.height, message.width) == pixels.shape[:2]
    assert message.step == pixels.size // message.height
    assert bytes(message.data) == pixels.tobytes()
    received = deserialize_message(serialize_message(message), Image)
    assert received == message
    decoded = decode_image(received)
    expected = pixels if pixels.ndim == 3 else pixels[..., None].repeat(3, 2)
    np.testing.assert_array_equal(decoded.pixels, expected)
    if encoding != 'mono8':
        assert decoded.color_order == encoding[:3]


@settings(max_examples=50, deadline=None)
@given(
    encoding=st.sampled_from(ENCODINGS),
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    seed=st.integers(0, 99),
)
def test_an_image_comes_back_as_it_was(encoding, height, width, seed):
    pixels = picture(encoding, height, width, seed)
    check(ImageWriter(encoding).fill(pixels, HEADER), pixels, encoding)


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_any_strides_are_written_unpadded(encoding):
    wide = picture(encoding, 12, 21)
    for pixels in (wide[1:9, 2:13], wide[::-2, ::3], np.asfortranarray(wide)):
        check(ImageWriter(encoding).fill(pixels, HEADER), pixels, encoding)


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_a_writer_fills_one_message_and_its_memory_again(encoding):
    writer = ImageWriter(encoding)
    first = writer.fill(picture(encoding, seed=1), HEADER)
    memory = first.data
    pixels = picture(encoding, seed=2)
    second = writer.fill(pixels, HEADER)
    assert second is first
    assert second.data is memory
    check(second, pixels, encoding)


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_a_writer_follows_the_size(encoding):
    writer = ImageWriter(encoding)
    for height, width in ((5, 7), (7, 5), (2, 2), (9, 11), (9, 11)):
        pixels = picture(encoding, height, width)
        check(writer.fill(pixels, HEADER), pixels, encoding)


@pytest.mark.parametrize(
    ('pixels', 'encoding'),
    [
        (np.zeros((3, 4, 3), np.uint8), 'mono8'),
        (np.zeros((3, 4, 1), np.uint8), 'mono8'),
        (np.zeros((3, 4), np.uint8), 'rgb8'),
        (np.zeros((3, 4, 4), np.uint8), 'bgr8'),
        (np.zeros(4, np.uint8), 'mono8'),
        (np.zeros((0, 4), np.uint8), 'mono8'),
        (np.zeros((3, 0, 3), np.uint8), 'rgb8'),
        (np.zeros((3, 4), np.int64), 'mono8'),
        (np.zeros((3, 4, 3), np.float32), 'rgb8'),
    ],
)
def test_pixels_that_are_not_of_the_encoding_are_refused(pixels, encoding):
    writer = ImageWriter(encoding)
    for write in (
        lambda: writer.fill(pixels, HEADER),
        lambda: compressed_message(pixels, encoding, 'png', HEADER),
    ):
        with pytest.raises(ValueError, match=rf'{encoding} image is .*expected uint8 of shape'):
            write()


def test_unknown_encodings_and_compressions_name_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown encoding 'rgba8' .*known: mono8, rgb8, bgr8"):
        ImageWriter('rgba8')
    with pytest.raises(ValueError, match="unknown encoding '8UC1'"):
        compressed_message(picture('mono8'), '8UC1', 'png', HEADER)
    with pytest.raises(ValueError, match=r"unknown compression 'tiff' \(known: png, jpeg\)"):
        compressed_message(picture('mono8'), 'mono8', 'tiff', HEADER)


@pytest.mark.parametrize(
    ('encoding', 'expected'),
    [
        ('mono8', 'mono8; png compressed '),
        ('rgb8', 'rgb8; png compressed bgr8'),
        ('bgr8', 'bgr8; png compressed bgr8'),
    ],
)
def test_png_is_lossless(encoding, expected):
    pixels = picture(encoding)
    message = compressed_message(pixels, encoding, 'png', HEADER)
    assert message.header == HEADER
    assert message.format == expected
    frame = decode_compressed(message)
    decoded = frame.pixels[..., ::-1] if encoding == 'rgb8' else frame.pixels
    np.testing.assert_array_equal(decoded[..., 0] if encoding == 'mono8' else decoded, pixels)


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_jpeg_keeps_the_colors_apart(encoding):
    pixels = np.full((16, 16, 3), (250, 120, 10), np.uint8)
    if encoding == 'mono8':
        pixels = np.ascontiguousarray(pixels[..., 0])
    message = compressed_message(pixels, encoding, 'jpeg', HEADER)
    stored = '' if encoding == 'mono8' else 'bgr8'
    assert message.format == f'{encoding}; jpeg compressed {stored}'
    decoded = cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR)
    expected = pixels if encoding == 'bgr8' else pixels[..., ::-1]
    if encoding == 'mono8':
        expected = pixels[..., None]
    assert np.abs(decoded.astype(int) - expected).max() <= 4


def test_jpeg_quality_is_the_callers():
    pixels = np.random.default_rng(3).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    sizes = [
        len(compressed_message(pixels, 'rgb8', 'jpeg', HEADER, quality).data)
        for quality in (10, 50, 95)
    ]
    assert sizes == sorted(set(sizes))
