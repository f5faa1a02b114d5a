"""sensor_msgs/Image to pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stdc_seg_ros.image_messages.camera_frame import (
    BadImageError,
    CameraFrame,
    UnsupportedImageError,
)
from stdc_seg_ros.image_messages.encodings import (
    ENCODINGS,
    ImageEncoding,
    Pixels,
    take_high_bytes,
)

if TYPE_CHECKING:  # bags are read without ROS
    from sensor_msgs.msg import Image

_MEND = 'mend what publishes it'


def decode_image(message: Image) -> CameraFrame:
    """Read a camera's image.

    :param message: any step, either byte order; one of the rosbags library will do. rgb8 and bgr8
        are not copied: the message must not be filled anew while the frame is in use.
    :return: 16 bits a sample become 8 by their high byte; alpha is dropped; YUV is BT.601 with
        Y of 16 to 235; Bayer is interpolated bilinearly; ``8UC3`` and the like are BGR.
    :raises BadImageError: size, step and data do not fit together.
    :raises UnsupportedImageError: the encoding is unknown here and to cv_bridge, or cv_bridge is
        not installed.
    """
    width, height = message.width, message.height
    if width < 1 or height < 1:
        raise _bad(message, f'expected at least 1x1: {_MEND}')
    encoding = ENCODINGS.get(message.encoding)
    if encoding is None:
        return _through_cv_bridge(message)
    rows = _checked_rows(message, encoding)
    if encoding.sample_bytes == 2:
        rows = take_high_bytes(rows, width * encoding.samples, bool(message.is_bigendian))
    return CameraFrame(encoding.convert(rows, width), encoding.color_order)


def _checked_rows(message: Image, encoding: ImageEncoding) -> Pixels:
    """All rows as they lie in the message, shape (rows, step), read-only."""
    width, height, step = message.width, message.height, message.step
    if min(width, height) < encoding.minimum:
        raise _bad(message, f'expected at least {encoding.minimum}x{encoding.minimum}')
    if height % encoding.multiple[0] or width % encoding.multiple[1]:
        sides = ('', 'an even width', 'an even width and height')[sum(encoding.multiple) - 2]
        raise _bad(message, f'expected {sides}: {_MEND}')
    row = width * encoding.samples * encoding.sample_bytes
    if step < row:
        raise _bad(message, f'expected a step of at least {row} bytes, one row: {_MEND}')
    if step % encoding.sample_bytes:
        raise _bad(message, f'expected an even step, a sample has two bytes: {_MEND}')
    size = step * height * encoding.half_heights // 2
    if len(message.data) != size:
        rows = {2: '', 3: ' × 1.5', 6: ' × 3'}[encoding.half_heights]
        raise _bad(message, f'expected {size} bytes (step × height{rows}): {_MEND}')
    data: Pixels = np.frombuffer(message.data, np.uint8)
    data.flags.writeable = False
    return data.reshape(-1, step)


def _bad(message: Image, expected: str) -> BadImageError:
    return BadImageError(
        f'{message.encoding} image of width {message.width}, height {message.height}, step '
        f'{message.step} with {len(message.data)} bytes of data: {expected}'
    )


def _through_cv_bridge(message: Image) -> CameraFrame:
    """Let cv_bridge try, where it is installed; never for what is known here."""
    unknown = f"image encoding '{message.encoding}' is not known"
    remedy = f'publish one of {", ".join(sorted(ENCODINGS))}'
    try:
        from cv_bridge import CvBridge
    except Exception as error:  # numpy 2 beside a cv_bridge made for numpy 1: AttributeError
        raise UnsupportedImageError(
            f'{unknown}, and cv_bridge cannot be imported ({error}): {remedy}'
        ) from error
    try:
        pixels = CvBridge().imgmsg_to_cv2(message, 'bgr8')
    except Exception as error:  # CvBridgeError, TypeError for short data, cv2.error
        raise UnsupportedImageError(
            f'{unknown}, and cv_bridge says: {" ".join(str(error).split())}: {remedy}'
        ) from error
    if pixels.dtype != np.uint8 or pixels.shape != (message.height, message.width, 3):
        raise UnsupportedImageError(
            f'{unknown}, and cv_bridge makes {pixels.dtype} of shape {pixels.shape} of it, '
            f'expected uint8 of shape {(message.height, message.width, 3)}: {remedy}'
        )
    return CameraFrame(pixels, 'bgr')
