"""How the encodings of ``sensor_msgs/image_encodings.hpp`` lie in memory and become colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.labels import ColorOrder

Pixels = NDArray[np.uint8]
Convert = Callable[[Pixels, int], Any]  # rows of shape (rows, step), width -> (H, W, 3)


@dataclass(frozen=True)
class ImageEncoding:
    """One encoding.

    :param samples: a pixel, in the first plane.
    :param convert: rows of shape (rows, step or more than the width needs) and the width to
        uint8 of shape (H, W, 3), a view of the rows where nothing is to convert.
    :param color_order: of what ``convert`` returns.
    :param half_heights: rows of all planes together, in half heights of the image.
    :param multiple: what height and width must be multiples of.
    :param minimum: of height and width.
    :param sample_bytes: 2 for 16 bits, of which ``convert`` is given the high byte.
    """

    samples: int
    convert: Convert
    color_order: ColorOrder = 'rgb'
    half_heights: int = 2
    multiple: tuple[int, int] = (1, 1)
    minimum: int = 1
    sample_bytes: int = 1


def take_high_bytes(rows: Pixels, count: int, big_endian: bool) -> Pixels:
    """Make 8 bits of 16.

    :param rows: shape (H, step), at least ``2 * count`` bytes each.
    :return: shape (H, count), an array of its own.
    """
    pairs = rows[:, : 2 * count].reshape(len(rows), count, 2)
    return cv2.extractChannel(pairs, 0 if big_endian else 1)  # type: ignore[return-value]


def _view(rows: Pixels, width: int) -> Pixels:
    return rows[:, : 3 * width].reshape(len(rows), width, 3)


def _by_code(samples: int, code: int) -> Convert:
    def convert(rows: Pixels, width: int) -> Any:
        pixels = rows[:, : samples * width].reshape(len(rows), width, samples)
        return cv2.cvtColor(pixels, code)

    return convert


# BT.601 with Y of 16..235, as OpenCV reads the other YUV encodings: rows R, G, B; columns Y, U, V.
_YUV_TO_RGB = np.array([[1.164, 0, 1.596], [1.164, -0.391, -0.813], [1.164, 2.018, 0]])
_YUV_TRANSFORM = np.column_stack([_YUV_TO_RGB, _YUV_TO_RGB @ [-16, -128, -128]])


def _nv24_to_rgb(rows: Pixels, width: int) -> Any:
    """Convert Y and, in rows twice as long, U and V of every pixel; OpenCV has no code for it."""
    height = len(rows) // 3
    chroma = rows[height:].reshape(height, -1)[:, : 2 * width]
    yuv = np.empty((height, width, 3), np.uint8)
    np.maximum(rows[:height, :width], 16, out=yuv[..., 0])
    yuv[..., 1:] = chroma.reshape(height, width, 2)
    return cv2.transform(yuv, _YUV_TRANSFORM, dst=yuv)


def _converted(samples: int, code: int, **layout: Any) -> ImageEncoding:
    return ImageEncoding(samples, _by_code(samples, code), **layout)


_BGR = ImageEncoding(3, _view, 'bgr')
_BGRA = _converted(4, cv2.COLOR_BGRA2RGB)
_MONO = _converted(1, cv2.COLOR_GRAY2RGB)
_UYVY = _converted(2, cv2.COLOR_YUV2RGB_UYVY, multiple=(1, 2))
_YUYV = _converted(2, cv2.COLOR_YUV2RGB_YUY2, multiple=(1, 2))

_ONE_BYTE = {
    'rgb8': ImageEncoding(3, _view, 'rgb'),
    'bgr8': _BGR,
    '8UC3': _BGR,  # OpenCV's types have OpenCV's order
    'rgba8': _converted(4, cv2.COLOR_RGBA2RGB),
    'bgra8': _BGRA,
    '8UC4': _BGRA,
    'mono8': _MONO,
    '8UC1': _MONO,
    # ROS names the pattern by the first two pixels of the first two rows, OpenCV by the second
    # and third of the second and third row. What is smaller than 3x3 OpenCV makes black.
    'bayer_rggb8': _converted(1, cv2.COLOR_BayerBG2RGB, minimum=3),
    'bayer_bggr8': _converted(1, cv2.COLOR_BayerRG2RGB, minimum=3),
    'bayer_gbrg8': _converted(1, cv2.COLOR_BayerGR2RGB, minimum=3),
    'bayer_grbg8': _converted(1, cv2.COLOR_BayerGB2RGB, minimum=3),
}
_TWO_BYTES = {
    name.replace('8', '16'): replace(encoding, sample_bytes=2)
    for name, encoding in _ONE_BYTE.items()
}
ENCODINGS = {
    **_ONE_BYTE,
    **_TWO_BYTES,
    'uyvy': _UYVY,
    'yuv422': _UYVY,
    'yuyv': _YUYV,
    'yuv422_yuy2': _YUYV,
    'nv12': _converted(1, cv2.COLOR_YUV2RGB_NV12, half_heights=3, multiple=(2, 2)),
    'nv21': _converted(1, cv2.COLOR_YUV2RGB_NV21, half_heights=3, multiple=(2, 2)),
    'nv24': ImageEncoding(1, _nv24_to_rgb, half_heights=6),
}
