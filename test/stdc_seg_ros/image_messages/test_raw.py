"""Every encoding against a reference that reads one byte at a time."""

import sys
from array import array
from types import ModuleType, SimpleNamespace

import image_references as references
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sensor_msgs.msg import Image

from stdc_core.geometry import FrameGeometry, Size
from stdc_seg_ros.image_messages import (
    BadImageError,
    CameraFrame,
    UnsupportedImageError,
    decode_image,
)
from stdc_seg_ros.image_messages.encodings import ENCODINGS

YUV = (*references.PACKED_YUV, *references.PLANAR_YUV)


def make_message(encoding, height, width, padding=0, big_endian=False, seed=0) -> Image:
    step = references.row_bytes(encoding, width) + padding
    size = references.data_bytes(encoding, height, step)
    content = np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)
    return Image(
        encoding=encoding,
        height=height,
        width=width,
        step=step,
        is_bigendian=big_endian,
        data=array('B', content.tobytes()),
    )


def rgb(frame: CameraFrame) -> np.ndarray:
    assert frame.pixels.dtype == np.uint8
    return frame.pixels if frame.color_order == 'rgb' else frame.pixels[..., ::-1]


def fitting_size(encoding, height, width):
    """Give the size, or the next one that the encoding can have."""
    if encoding in YUV and encoding != 'nv24':
        width += width % 2
    if encoding in ('nv12', 'nv21'):
        height += height % 2
    return height, width


def test_the_references_know_every_encoding():
    assert sorted(references.ALL) == sorted(ENCODINGS)


@settings(max_examples=200, deadline=None)
@given(
    encoding=st.sampled_from([*references.PACKED, *YUV]),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    padding=st.integers(0, 9),
    big_endian=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_pixels_equal_the_reference(encoding, height, width, padding, big_endian, seed):
    height, width = fitting_size(encoding, height, width)
    if encoding in references.PACKED and references.PACKED[encoding][1] == 2:
        padding += padding % 2
    message = make_message(encoding, height, width, padding, big_endian, seed)
    expected = references.reference(message)
    decoded = rgb(decode_image(message))
    assert decoded.shape == (height, width, 3)
    # OpenCV has BT.601 in three decimals.
    np.testing.assert_allclose(decoded, expected, atol=1 if encoding in YUV else 0)


@pytest.mark.parametrize('encoding', references.BAYER)
@pytest.mark.parametrize('big_endian', [False, True])
@pytest.mark.parametrize('size', [(3, 3), (6, 9), (7, 4)])
def test_bayer_is_interpolated_bilinearly(encoding, big_endian, size):
    message = make_message(encoding, *size, padding=6, big_endian=big_endian)
    samples = 2 if encoding.endswith('16') else 1
    rows = np.frombuffer(message.data, np.uint8).reshape(size[0], message.step)
    high = 0 if big_endian or samples == 1 else 1
    mosaic = rows[:, high : samples * size[1] : samples]
    expected = references.demosaic_inside(mosaic, references.mosaic_colors(encoding, *size))
    decoded = rgb(decode_image(message))
    np.testing.assert_allclose(decoded[1:-1, 1:-1], expected, atol=0.75)


@pytest.mark.parametrize('encoding', references.BAYER)
def test_bayer_of_one_color_is_that_color_to_the_border(encoding):
    color = np.array([200, 100, 10], np.uint8)
    message = make_message(encoding, 5, 7)
    mosaic = color[references.mosaic_colors(encoding, 5, 7)]
    samples = 2 if encoding.endswith('16') else 1
    message.data = array('B', mosaic.repeat(samples).tobytes())
    assert (rgb(decode_image(message)) == color).all()


@pytest.mark.parametrize('encoding', ['rgb8', 'bgr8', '8UC3'])
@pytest.mark.parametrize('padding', [0, 1, 13])
def test_color_is_a_read_only_view_of_the_message(encoding, padding):
    message = make_message(encoding, 5, 7, padding)
    pixels = decode_image(message).pixels
    assert np.shares_memory(pixels, np.frombuffer(message.data, np.uint8))
    assert not pixels.flags.writeable
    assert np.frombuffer(message.data, np.uint8).flags.writeable


@pytest.mark.parametrize('encoding', sorted({*references.ALL} - {'rgb8', 'bgr8', '8UC3'}))
def test_other_encodings_give_contiguous_arrays_of_their_own(encoding):
    message = make_message(encoding, 6, 8, padding=2)
    pixels = decode_image(message).pixels
    assert pixels.flags.c_contiguous
    assert not np.shares_memory(pixels, np.frombuffer(message.data, np.uint8))


def test_the_view_is_resized_as_a_copy_of_it_is():
    message = make_message('bgr8', 31, 47, padding=5)
    pixels = decode_image(message).pixels
    geometry = FrameGeometry(Size(31, 47), Size(64, 96), 'stretch')
    of_view, of_copy = (np.empty((64, 96, 3), np.uint8) for _ in range(2))
    geometry.resize(pixels, of_view, 'bgr')
    geometry.resize(pixels.copy(), of_copy, 'bgr')
    np.testing.assert_array_equal(of_view, of_copy)


@pytest.mark.parametrize('kind', [bytes, lambda data: np.frombuffer(data, np.uint8)])
def test_a_message_of_rosbags_will_do(kind):
    message = make_message('rgb8', 4, 5, padding=1)
    other = SimpleNamespace(
        encoding='rgb8', height=4, width=5, step=16, is_bigendian=0, data=kind(bytes(message.data))
    )
    np.testing.assert_array_equal(decode_image(other).pixels, decode_image(message).pixels)


@pytest.mark.parametrize(
    ('encoding', 'change', 'expected'),
    [
        ('rgb8', {'width': 0}, 'width 0, height 6.*expected at least 1x1'),
        ('rgb8', {'height': 0}, 'expected at least 1x1'),
        ('mystery', {'height': 0}, 'expected at least 1x1'),
        ('rgb8', {'step': 23}, 'step 23 .*expected a step of at least 24 bytes'),
        ('rgb8', {'step': 0}, 'expected a step of at least 24 bytes'),
        ('rgb8', {'step': 25}, r'with 144 bytes of data: expected 150 bytes \(step × height\)'),
        ('rgb8', {'height': 5}, 'expected 120 bytes'),
        ('rgb8', {'height': 2**32 - 1, 'width': 2**30, 'step': 2**32 - 1}, 'expected 1844'),
        ('rgb8', {'data': array('B')}, 'with 0 bytes of data: expected 144'),
        ('mono16', {'step': 17}, 'expected an even step'),
        ('rgb16', {'step': 47}, 'expected a step of at least 48 bytes'),
        ('uyvy', {'width': 7}, 'expected an even width: mend'),
        ('yuv422_yuy2', {'width': 7}, 'expected an even width: mend'),
        ('nv12', {'width': 7}, 'expected an even width and height'),
        ('nv21', {'height': 5}, 'expected an even width and height'),
        ('nv12', {'step': 16}, r'expected 144 bytes \(step × height × 1.5\)'),
        ('nv24', {'height': 5}, r'expected 120 bytes \(step × height × 3\)'),
        ('bayer_rggb8', {'width': 2}, 'expected at least 3x3'),
        ('bayer_grbg16', {'height': 1}, 'expected at least 3x3'),
    ],
)
def test_a_message_that_contradicts_itself_is_refused(encoding, change, expected):
    fitting = 'rgb8' if encoding == 'mystery' else encoding
    message = make_message(fitting, 6, 8)
    message.encoding = encoding
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(BadImageError, match=expected) as error:
        decode_image(message)
    assert encoding in str(error.value)


@settings(max_examples=200, deadline=None)
@given(
    encoding=st.sampled_from([*ENCODINGS, 'mystery', '']),
    height=st.integers(0, 12) | st.integers(0, 2**32 - 1),
    width=st.integers(0, 12) | st.integers(0, 2**32 - 1),
    step=st.integers(0, 40) | st.integers(0, 2**32 - 1),
    size=st.integers(0, 600),
    fits=st.booleans(),
)
def test_no_message_does_anything_worse_than_a_refusal(encoding, height, width, step, size, fits):
    if fits and encoding in ENCODINGS:
        size = min(references.data_bytes(encoding, height, step), 10_000)
    message = Image(encoding=encoding, height=height, width=width, step=step)
    message.data = array('B', bytes(size))
    try:
        frame = decode_image(message)
    except (BadImageError, UnsupportedImageError):
        return
    assert frame.pixels.shape == (height, width, 3)
    assert frame.pixels.sum() >= 0  # reads every byte


def test_an_unknown_encoding_is_refused_and_the_known_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'cv_bridge', None)
    message = make_message('rgb8', 2, 2)
    message.encoding = '32FC1'
    expected = r"encoding '32FC1' is not known, and cv_bridge cannot be .*publish one of .*, rgb8,"
    with pytest.raises(UnsupportedImageError, match=expected):
        decode_image(message)


def install_cv_bridge(monkeypatch, convert):
    module = ModuleType('cv_bridge')
    module.CvBridge = lambda: SimpleNamespace(imgmsg_to_cv2=convert)
    monkeypatch.setitem(sys.modules, 'cv_bridge', module)


def test_cv_bridge_reads_what_is_unknown_here(monkeypatch):
    asked = []

    def convert(message, encoding):
        asked.append((message.encoding, encoding))
        return np.full((message.height, message.width, 3), 7, np.uint8)

    install_cv_bridge(monkeypatch, convert)
    message = make_message('rgb8', 2, 4)
    decode_image(message)
    assert not asked
    message.encoding = '8SC3'
    frame = decode_image(message)
    assert asked == [('8SC3', 'bgr8')]
    assert frame.color_order == 'bgr'
    assert (frame.pixels == 7).all()


@pytest.mark.parametrize(
    ('result', 'expected'),
    [
        (np.zeros((2, 4)), r'makes float64 of shape \(2, 4\) of it, expected uint8'),
        (np.zeros((2, 5, 3), np.uint8), r'shape \(2, 5, 3\) of it, expected uint8 of shape'),
    ],
)
def test_what_cv_bridge_makes_is_checked(monkeypatch, result, expected):
    install_cv_bridge(monkeypatch, lambda *_: result)
    message = make_message('rgb8', 2, 4)
    message.encoding = '32FC3'
    with pytest.raises(UnsupportedImageError, match=expected):
        decode_image(message)


def test_what_cv_bridge_refuses_is_refused_in_its_words(monkeypatch):
    def convert(*_):
        raise RuntimeError('no such\nconversion')

    install_cv_bridge(monkeypatch, convert)
    message = make_message('rgb8', 2, 4)
    message.encoding = '64FC2'
    with pytest.raises(UnsupportedImageError, match='cv_bridge says: no such conversion: publish'):
        decode_image(message)


def test_pixels_equal_those_of_cv_bridge():
    cv_bridge = pytest.importorskip('cv_bridge', reason='cv_bridge is not on PyPI')
    for encoding in ('rgb8', 'bgr8', 'rgba8', 'bgra8', 'mono8', 'bayer_rggb8', 'yuv422'):
        message = make_message(encoding, 8, 10)
        expected = cv_bridge.CvBridge().imgmsg_to_cv2(message, 'rgb8')
        np.testing.assert_array_equal(rgb(decode_image(message)), expected, encoding)
