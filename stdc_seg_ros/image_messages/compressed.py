"""sensor_msgs/CompressedImage to pixels: JPEG and PNG, as image_transport's plugins write them.

https://github.com/ros-perception/image_transport_plugins: ``format`` is ``jpeg`` or ``png``, or
``ENCODING; jpeg compressed STORED`` where ENCODING is that of the raw image and STORED the channel
order that was handed to the compressor, which takes what it gets for BGR.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.geometry import Size
from stdc_core.image_header import read_header
from stdc_core.labels import ColorOrder
from stdc_seg_ros.image_messages.camera_frame import (
    BadImageError,
    CameraFrame,
    UnsupportedImageError,
)
from stdc_seg_ros.image_messages.encodings import ENCODINGS

if TYPE_CHECKING:  # bags are read without ROS
    from sensor_msgs.msg import CompressedImage

MAX_PIXELS = 64_000_000  # an image that announces more is refused before it is decoded
# JPEG spends at least a bit on 8x8 pixels; deflate makes at most 1032 bytes of one, each of up to
# 8 pixels.
MAX_PIXELS_PER_BYTE = {'JPEG': 8 * 64, 'PNG': 8 * 1032}

_FORMATS = ('jpeg', 'jpg', 'png')  # what a publisher calls them

# The stored pixels, not turned by EXIF: camera_info is about those.
_COLOR = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
_GREY = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION


def decode_compressed(message: CompressedImage) -> CameraFrame:
    """Read a camera's compressed image.

    What the data is, JPEG or PNG, is told by the data; ``format`` tells the order of colours and
    a Bayer pattern.

    :return: 16-bit PNG becomes 8 bits by the high byte; alpha is dropped; EXIF orientation is
        not applied.
    :raises BadImageError: the data is cut off, no image, or announces over 64 megapixels.
    :raises UnsupportedImageError: it is something else than JPEG or PNG, e.g. compressedDepth.
    """
    if 'compresseddepth' in message.format.lower():
        raise UnsupportedImageError(
            f"compressed image of format '{message.format}' is depth, expected a camera's "
            'picture as JPEG or PNG: name its compressed topic'
        )
    data = np.frombuffer(message.data, np.uint8) if len(message.data) else np.empty(0, np.uint8)
    size = _announced_size(data, message.format)
    encoding, _, stored = message.format.partition(';')
    mosaic = encoding.startswith('bayer_') and not ('bgr' in stored or 'rgb' in stored)
    pixels = _decode(data, _GREY if mosaic else _COLOR)
    if pixels is None or pixels.shape[:2] != size:
        raise BadImageError(
            f"compressed image of format '{message.format}' with {data.size} bytes is corrupt: "
            'expected a whole JPEG or PNG'
        )
    if mosaic:
        pattern = ENCODINGS.get(encoding.strip().replace('16', '8'))
        if pattern is None or min(size) < pattern.minimum:
            raise UnsupportedImageError(
                f"compressed image of format '{message.format}' and {size}: expected a Bayer "
                'pattern of rggb, bggr, gbrg or grbg and at least 3x3 pixels'
            )
        return CameraFrame(pattern.convert(pixels, size.width), pattern.color_order)
    order: ColorOrder = 'rgb' if 'compressed rgb' in stored else 'bgr'
    return CameraFrame(pixels, order)


def _announced_size(data: NDArray[np.uint8], message_format: str) -> Size:
    """Read the size from the header and check that the data has an end."""
    header = read_header(data.tobytes())
    what = f"compressed image of format '{message_format}' with {data.size} bytes"
    if header is None:
        start = f'begins with {data[:8].tobytes().hex(" ")}' if data.size else 'is empty'
        if data.size and not any(known in message_format.lower() for known in _FORMATS):
            raise UnsupportedImageError(f'{what} {start}, expected JPEG or PNG')
        raise BadImageError(f'{what} {start}, expected a JPEG or PNG')
    if header.size is None or not header.complete:
        raise BadImageError(f'{what} is cut off: expected a whole {header.kind}')
    if 0 in header.size:
        raise BadImageError(f'{what} announces {header.size} pixels (height x width)')
    pixels = header.size.height * header.size.width
    if pixels > MAX_PIXELS:
        raise BadImageError(
            f'{what} announces {header.size} pixels (height x width), expected at most '
            f'{MAX_PIXELS // 1_000_000} megapixels'
        )
    if pixels > MAX_PIXELS_PER_BYTE[header.kind] * data.size:
        raise BadImageError(
            f'{what} announces {header.size} pixels (height x width), that cannot be: expected a '
            f'whole {header.kind}'
        )
    return header.size


def _decode(data: NDArray[np.uint8], flags: int) -> NDArray[np.uint8] | None:
    try:
        return cv2.imdecode(data, flags)  # type: ignore[return-value]
    except cv2.error:
        return None
