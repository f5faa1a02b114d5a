import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sensor_msgs.msg import CompressedImage, Image

from stdc_seg_ros.image_messages import (
    BadImageError,
    UnsupportedImageError,
    decode_compressed,
    decode_image,
)

PICTURE = np.random.default_rng(0).integers(0, 256, (12, 17, 3), dtype=np.uint8)
SMOOTH = cv2.resize(PICTURE[:3, :4], (17, 12), interpolation=cv2.INTER_CUBIC)


def encode(picture, suffix) -> bytes:
    return cv2.imencode(suffix, picture)[1].tobytes()


PNG, JPEG = encode(PICTURE, '.png'), encode(SMOOTH, '.jpg')


def make_message(data: bytes, message_format: str = 'jpeg') -> CompressedImage:
    message = CompressedImage(format=message_format)
    message.data.frombytes(data)
    return message


def exif(content: bytes) -> bytes:
    """Put an EXIF segment into the JPEG."""
    content = b'Exif\0\0' + content
    return JPEG[:2] + b'\xff\xe1' + struct.pack('>H', 2 + len(content)) + content + JPEG[2:]


def orientation(value: int) -> bytes:
    """TIFF with one tag: 0x0112, a short."""
    tag = struct.pack('>HHIHH', 0x0112, 3, 1, value, 0)
    return b'MM\0*' + struct.pack('>IH', 8, 1) + tag + bytes(4)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', checksum)


def png_of(height: int, width: int) -> bytes:
    """Make a PNG that announces a size and holds few pixels."""
    header = struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(10_000))
    chunks = ((b'IHDR', header), (b'IDAT', pixels), (b'IEND', b''))
    return b'\x89PNG\r\n\x1a\n' + b''.join(png_chunk(*chunk) for chunk in chunks)


def jpeg_of(height: int, width: int) -> bytes:
    """Write another size into the start of frame."""
    frame = JPEG.index(b'\xff\xc0')
    return JPEG[: frame + 5] + struct.pack('>HH', height, width) + JPEG[frame + 9 :]


@pytest.mark.parametrize(
    'message_format', ['png', '', 'bgr8; png compressed bgr8', 'rgb8; png compressed bgr8']
)
def test_png_is_lossless_and_bgr(message_format):
    frame = decode_compressed(make_message(PNG, message_format))
    assert frame.color_order == 'bgr'
    np.testing.assert_array_equal(frame.pixels, PICTURE)


@pytest.mark.parametrize(
    'message_format',
    ['jpeg', 'jpg', 'rgb8; jpeg compressed bgr8', 'bgr8; jpeg compressed bgr8', 'png'],
)
def test_jpeg_is_what_opencv_reads(message_format):
    frame = decode_compressed(make_message(JPEG, message_format))
    assert frame.color_order == 'bgr'
    np.testing.assert_array_equal(frame.pixels, cv2.imdecode(np.frombuffer(JPEG, np.uint8), 1))
    assert np.abs(frame.pixels.astype(int) - SMOOTH).mean() < 20


def test_a_compressor_that_was_handed_rgb_gives_rgb():
    frame = decode_compressed(make_message(PNG, 'rgb8; png compressed rgb8'))
    assert frame.color_order == 'rgb'
    np.testing.assert_array_equal(frame.pixels, PICTURE)


@pytest.mark.parametrize(
    ('picture', 'expected'),
    [
        (PICTURE[..., 0], PICTURE[..., [0, 0, 0]]),
        (PICTURE.astype(np.uint16) * 256 + 200, PICTURE),
        (PICTURE[..., 0].astype(np.uint16) * 256 + 200, PICTURE[..., [0, 0, 0]]),
        (np.dstack([PICTURE, PICTURE[..., 0]]), PICTURE),
    ],
    ids=['grey', '16 bits', 'grey of 16 bits', 'alpha'],
)
def test_every_png_becomes_three_channels_of_8_bits(picture, expected):
    data = encode(np.ascontiguousarray(picture), '.png')
    message = make_message(data, 'mono8; png compressed ')
    np.testing.assert_array_equal(decode_compressed(message).pixels, expected)


@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
@pytest.mark.parametrize('bits', [8, 16])
def test_a_compressed_mosaic_is_interpolated_as_a_raw_one(pattern, bits):
    mosaic = np.ascontiguousarray(PICTURE[..., 0])
    data = encode(mosaic if bits == 8 else mosaic.astype(np.uint16) * 256 + 200, '.png')
    raw = Image(encoding=f'bayer_{pattern}8', height=12, width=17, step=17, data=mosaic.tobytes())
    expected = decode_image(raw)
    frame = decode_compressed(make_message(data, f'bayer_{pattern}{bits}; png compressed '))
    assert frame.color_order == expected.color_order
    np.testing.assert_array_equal(frame.pixels, expected.pixels)


def test_a_mosaic_that_was_interpolated_before_is_a_picture():
    frame = decode_compressed(make_message(PNG, 'bayer_rggb8; png compressed bgr8'))
    np.testing.assert_array_equal(frame.pixels, PICTURE)


@pytest.mark.parametrize(
    ('data', 'message_format'),
    [
        (PNG, 'bayer_abcd8; png compressed '),
        (encode(PICTURE[:2, :2, 0].copy(), '.png'), 'bayer_rggb8; png compressed '),
    ],
)
def test_a_mosaic_that_cannot_be_interpolated_is_refused(data, message_format):
    with pytest.raises(UnsupportedImageError, match='expected a Bayer pattern of rggb'):
        decode_compressed(make_message(data, message_format))


def test_pixels_are_not_turned_by_exif():
    turned = exif(orientation(6))
    assert cv2.imdecode(np.frombuffer(turned, np.uint8), 1).shape == (17, 12, 3)
    pixels = decode_compressed(make_message(turned)).pixels
    np.testing.assert_array_equal(pixels, decode_compressed(make_message(JPEG)).pixels)


@pytest.mark.parametrize(('data', 'name'), [(PNG, 'png'), (JPEG, 'jpeg')])
def test_data_that_is_cut_off_anywhere_is_refused(data, name):
    for length in range(len(data)):
        with pytest.raises(BadImageError, match=f'with {length} bytes'):
            decode_compressed(make_message(data[:length], name))


def test_the_end_of_a_thumbnail_is_not_the_end():
    whole = exif(orientation(1) + JPEG)
    assert decode_compressed(make_message(whole)).pixels.shape == (12, 17, 3)
    with pytest.raises(BadImageError, match='is cut off'):
        decode_compressed(make_message(whole[:-20]))


def test_padding_behind_the_end_is_no_fault():
    pixels = decode_compressed(make_message(JPEG + bytes(500))).pixels
    np.testing.assert_array_equal(pixels, decode_compressed(make_message(JPEG)).pixels)


@pytest.mark.parametrize('make', [png_of, jpeg_of])
@pytest.mark.parametrize(
    ('size', 'expected'),
    [
        ((65_500, 65_500), 'announces 65500x65500 pixels .* at most 64 megapixels'),
        ((8000, 8001), 'announces 8000x8001 pixels'),
        ((2000, 3000), r'announces 2000x3000 .* that cannot be: expected a whole'),
        ((0, 8), 'announces 0x8 pixels'),
    ],
)
def test_an_absurd_size_is_refused_before_it_is_decoded(monkeypatch, make, size, expected):
    monkeypatch.setattr(cv2, 'imdecode', lambda *_: pytest.fail('decoded'))
    with pytest.raises(BadImageError, match=expected):
        decode_compressed(make_message(make(*size)))


def test_a_size_that_was_announced_and_does_not_come_is_refused():
    with pytest.raises(BadImageError, match='is corrupt'):
        decode_compressed(make_message(png_of(100, 100), 'png'))


@pytest.mark.parametrize(
    'message_format', ['32FC1; compressedDepth png', '16UC1; compressedDepth']
)
def test_depth_is_refused(message_format):
    with pytest.raises(UnsupportedImageError, match='is depth'):
        decode_compressed(make_message(PNG, message_format))


@pytest.mark.parametrize('message_format', ['h264', 'tiff', ''])
def test_other_formats_are_refused_by_name(message_format):
    expected = f"'{message_format}' .*begins with 00 01 02 03, expected JPEG or PNG"
    with pytest.raises(UnsupportedImageError, match=expected):
        decode_compressed(make_message(bytes(range(4)), message_format))


@pytest.mark.parametrize(('data', 'expected'), [(b'', 'is empty'), (b'GIF89a', '47 49 46')])
def test_data_that_is_not_what_the_format_says_is_bad(data, expected):
    with pytest.raises(BadImageError, match=expected):
        decode_compressed(make_message(data, 'bgr8; jpeg compressed bgr8'))


@settings(max_examples=200, deadline=None)
@given(
    data=st.sampled_from([PNG, JPEG]),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=6),
    cut=st.integers(0, 2000) | st.none(),
)
def test_no_data_does_anything_worse_than_a_refusal(data, changes, cut):
    changed = bytearray(data)
    for position, value in changes:
        changed[position % len(data)] = value
    try:
        frame = decode_compressed(make_message(bytes(changed[:cut])))
    except (BadImageError, UnsupportedImageError):
        return
    assert frame.pixels.ndim == 3
    assert frame.pixels.shape[2] == 3
