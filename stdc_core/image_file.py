"""Image files: looked at before they are decoded, written whole or not there."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.atomic_file import atomic_path
from stdc_core.errors import UserError
from stdc_core.image_header import find_absurd_size, read_header
from stdc_core.regular_file import read_regular_file

MAX_BYTES = 1 << 30  # of a file


class ImageFileError(UserError, ValueError):
    """What is in a file cannot be decoded, or is not decoded; the message says why."""


def read_image_file(path: str | Path) -> bytes:
    """Read an image file as it is.

    :raises OSError: it cannot be read, is a pipe or a device, or has over a gigabyte.
    """
    return read_regular_file(path, MAX_BYTES)


def decode_image_file(data: bytes, flags: int) -> NDArray[np.uint8]:
    """Decode an image in any format OpenCV knows.

    A JPEG or PNG that announces over 64 megapixels, or more than its bytes can hold, is not
    decoded, nor a JPEG without its end, which OpenCV 4 fills with grey. In the other formats
    OpenCV's own limit holds, 2^30 pixels.

    :param flags: of ``cv2.imdecode``.
    :raises ImageFileError: it is no image, corrupt, or too large.
    """
    header = read_header(data)
    if header and (absurd := find_absurd_size(header, len(data))):
        raise ImageFileError(absurd)
    if header and header.kind == 'JPEG' and not header.complete:
        raise ImageFileError('it is cut off')
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error as error:  # over 2^30 pixels
        raise ImageFileError(f'OpenCV refuses it: {error.err}') from error
    if image is None:
        raise ImageFileError('no image that OpenCV can read')
    return image  # type: ignore[return-value]


def write_image_file(path: Path, image: NDArray[np.uint8], options: Sequence[int] = ()) -> None:
    """Write an image, in the format of the path's suffix.

    :param image: uint8, BGR of shape (H, W, 3), or (H, W).
    :param options: pairs of an ``IMWRITE_…`` of OpenCV and its value.
    :raises UserError: it is too large for the format.
    :raises OSError: it cannot be written, and why: cv2.imwrite does not say.
    """
    try:
        written, data = cv2.imencode(path.suffix, image, [*options])
    except cv2.error:
        written = False
    if not written:
        raise UserError(f'{path} cannot be an image of shape {image.shape}: too large')
    with atomic_path(path) as part:
        part.write_bytes(data.tobytes())
