"""Arrays to messages, the fastest way rclpy has.

Assigning an array or bytes to ``data`` checks every element (0.3 s for 960x720x3);
``array.array`` does not, and a message that is kept needs no new one at all.
"""

from __future__ import annotations

from array import array
from typing import Any, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

OutputEncoding = Literal['mono8', 'rgb8', 'bgr8']
Compression = Literal['png', 'jpeg']

JPEG_QUALITY = 90
# A mask of 960x720 takes 6.5 KB, with the default strategy 11.7; level 9 saves 0.6 KB and takes
# twelve times as long.
PNG_OPTIONS = [
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
]


class ImageWriter:
    """Keeps one message and fills it anew for every image: one writer a topic.

    The message is serialised by ``publish()``, so it may be filled again after that.

    :param encoding: of the images.
    """

    def __init__(self, encoding: OutputEncoding) -> None:
        self._message = Image(encoding=_check_encoding(encoding))
        self._pixels = np.empty((0, 0), np.uint8)

    def fill(self, pixels: NDArray[np.uint8], header: Header) -> Image:
        """Write an image into the message.

        :param pixels: uint8, any strides, shape (H, W) for mono8, (H, W, 3) for colours.
        :param header: goes into the message as it is.
        :return: the one message, unpadded; the next call writes over it.
        :raises ValueError: shape or type are not those of the encoding.
        """
        _check_pixels(pixels, self._message.encoding)
        if pixels.shape != self._pixels.shape:
            self._allocate(pixels.shape)
        np.copyto(self._pixels, pixels)
        self._message.header = header
        return self._message

    def _allocate(self, shape: tuple[int, ...]) -> None:
        _set_layout(self._message, shape)
        self._message.data = array('B', bytes(self._message.step * shape[0]))
        # After assigning: from Kilted on the setter copies.
        self._pixels = np.frombuffer(self._message.data, np.uint8).reshape(shape)


def compressed_message(
    pixels: NDArray[np.uint8],
    encoding: OutputEncoding,
    compression: Compression,
    header: Header,
    jpeg_quality: int = JPEG_QUALITY,
) -> CompressedImage:
    """Compress an image.

    :param pixels: uint8, any strides, shape (H, W) for mono8, (H, W, 3) for colours.
    :param encoding: of ``pixels``; ids are mono8 and png, JPEG changes them.
    :param header: goes into the message as it is.
    :param jpeg_quality: 1..100.
    :return: with ``format`` as image_transport writes it.
    :raises ValueError: shape or type are not those of the encoding, or OpenCV cannot compress it.
    """
    _check_pixels(pixels, _check_encoding(encoding))
    if compression not in get_args(Compression):
        known = ', '.join(get_args(Compression))
        raise ValueError(f"unknown compression '{compression}' (known: {known})")
    if encoding == 'rgb8':
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)  # type: ignore[assignment]
    options = {
        'png': PNG_OPTIONS,
        'jpeg': [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality],
    }[compression]
    encoded, data = cv2.imencode(f'.{compression}', pixels, options)
    if not encoded:
        raise ValueError(f'OpenCV cannot compress an image of shape {pixels.shape}')
    stored = '' if encoding == 'mono8' else 'bgr8'
    message = CompressedImage(
        header=header, format=f'{encoding}; {compression} compressed {stored}'
    )
    message.data.frombytes(data.data)
    return message


def _check_encoding(encoding: str) -> Any:
    if encoding not in get_args(OutputEncoding):
        known = ', '.join(get_args(OutputEncoding))
        raise ValueError(f"unknown encoding '{encoding}' to write (known: {known})")
    return encoding


def _check_pixels(pixels: NDArray[np.uint8], encoding: str) -> None:
    expected = '(H, W)' if encoding == 'mono8' else '(H, W, 3)'
    channels = () if encoding == 'mono8' else (3,)
    fits = pixels.ndim == 2 + len(channels) and pixels.shape[2:] == channels
    if pixels.dtype != np.uint8 or not fits or 0 in pixels.shape:
        raise ValueError(
            f'{encoding} image is {pixels.dtype} of shape {pixels.shape}, expected uint8 of shape '
            f'{expected} with at least one pixel'
        )


def _set_layout(message: Image, shape: tuple[int, ...]) -> None:
    message.height, message.width = shape[:2]
    message.step = shape[1] * (shape[2] if len(shape) == 3 else 1)
