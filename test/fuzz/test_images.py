"""Image messages and image files of any content: a picture, or one of the documented errors."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import fuzz, mutated, no_hang

from stdc_core.image_file import ImageFileError, decode_image_file
from stdc_core.image_header import read_header
from stdc_core.training.datasets.png import read_png_colors, read_png_ids
from stdc_core.training.datasets.problems import DatasetFileError
from stdc_seg_ros.image_messages import (
    BadImageError,
    UnsupportedImageError,
    decode_compressed,
    decode_image,
)
from stdc_seg_ros.image_messages.encodings import ENCODINGS

PICTURE = cv2.resize(
    np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype=np.uint8), (40, 24)
)


def encode(suffix: str, picture: np.ndarray, *options: int) -> bytes:
    return cv2.imencode(suffix, picture, list(options))[1].tobytes()


FILES = [
    encode('.png', PICTURE),
    encode('.png', PICTURE[..., 0]),
    encode('.png', PICTURE[..., 0] // 255, cv2.IMWRITE_PNG_BILEVEL, 1),
    encode('.png', PICTURE.astype(np.uint16) * 257),
    encode('.png', np.dstack([PICTURE, PICTURE[..., 0]])),
    encode('.jpg', PICTURE),
    encode('.jpg', PICTURE[..., 0]),
    encode('.jpg', PICTURE, cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
]
OTHERS = [encode(suffix, PICTURE) for suffix in ('.bmp', '.webp', '.tiff')]

sides = st.integers(0, 9) | st.sampled_from([2**16, 2**31 - 1, 2**31, 2**32 - 1])
encodings = st.sampled_from([*sorted(ENCODINGS), '32FC1', '', 'RGB8', 'bayer_rggb8 ']) | st.text()


def check(frame, height: int, width: int) -> None:
    assert frame.pixels.dtype == np.uint8
    assert frame.pixels.shape == (height, width, 3)
    assert frame.color_order in ('rgb', 'bgr')
    frame.pixels.sum()  # every byte can be read


@st.composite
def images(draw):
    encoding = ENCODINGS.get(name := draw(encodings))
    height, width = draw(sides), draw(sides)
    row = width * (encoding.samples * encoding.sample_bytes if encoding else 3)
    step = row + draw(st.integers(-2, 3))
    size = step * height * (encoding.half_heights if encoding else 2) // 2
    length = size + draw(st.sampled_from([0, 0, 0, -1, 1]))
    if not 0 <= length <= 4096 or draw(st.integers(0, 9)) == 0:
        length = draw(st.integers(0, 100))
    step = max(step, 0) if draw(st.integers(0, 9)) else draw(sides)
    data = draw(st.binary(min_size=length, max_size=length))
    return SimpleNamespace(
        encoding=name,
        height=height,
        width=width,
        step=step,
        data=np.frombuffer(data, np.uint8),
        is_bigendian=draw(st.integers(0, 255)),
    )


@fuzz
@given(images())
def test_raw_messages(message):
    with no_hang():
        try:
            frame = decode_image(message)
        except (BadImageError, UnsupportedImageError) as error:
            assert message.encoding in str(error)
            return
    check(frame, message.height, message.width)


formats = (
    st.sampled_from(['jpeg', 'png', 'rgb8; jpeg compressed bgr8', 'mono16; png compressed '])
    | st.sampled_from(['bayer_rggb8; png compressed ', 'bayer_x; jpeg', 'x; compressedDepth'])
    | st.text()
)


@fuzz
@given(st.sampled_from([*FILES, *OTHERS]).flatmap(mutated) | st.binary(), formats)
def test_compressed_messages(data, message_format):
    with no_hang():
        try:
            frame = decode_compressed(SimpleNamespace(data=data, format=message_format))
        except (BadImageError, UnsupportedImageError):
            return
    check(frame, *read_header(data).size)


@fuzz
@given(
    st.sampled_from([*FILES, *OTHERS]).flatmap(mutated) | st.binary(),
    st.sampled_from([cv2.IMREAD_COLOR, cv2.IMREAD_GRAYSCALE, cv2.IMREAD_UNCHANGED]),
)
def test_image_files(data, flags):
    with no_hang():
        try:
            pixels = decode_image_file(data, flags)
        except ImageFileError as error:
            assert str(error)
            return
    assert pixels.size


@pytest.mark.parametrize('read', [read_png_ids, read_png_colors])
@fuzz
@given(data=st.sampled_from(FILES[:5]).flatmap(mutated) | st.binary())
def test_label_files(tmp_path, read, data):
    path = tmp_path / 'labels.png'
    path.write_bytes(data)
    with no_hang():
        try:
            pixels = read(path)
        except DatasetFileError as error:
            assert error.problem.path == path
            return
    assert pixels.ndim == (2 if read is read_png_ids else 3)
