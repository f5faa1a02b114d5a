"""Files of pictures: read whole or not at all, written whole or not there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.atomic_file import atomic_path
from stdc_core.errors import UserError
from stdc_core.image_header import read_header

WHOLE_PICTURE = 'no whole picture that OpenCV can read'


def read_picture(path: Path) -> NDArray[np.uint8] | None:
    """Read a picture in any format OpenCV knows, turned upright by its EXIF orientation.

    :return: uint8, BGR, shape (H, W, 3); None where it is :data:`WHOLE_PICTURE`. A JPEG without
        its end is none: OpenCV 4 fills what is missing with grey, cv2.imread also in OpenCV 5.
    :raises OSError: the file cannot be read.
    """
    data = path.read_bytes()
    header = read_header(data)
    if not data or (header is not None and header.kind == 'JPEG' and not header.complete):
        return None
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)  # type: ignore[return-value]
    except cv2.error:  # e.g. more pixels than it takes
        return None


def write_picture(path: Path, picture: NDArray[np.uint8], options: Sequence[int] = ()) -> None:
    """Write a picture, in the format of the path's suffix.

    :param picture: uint8, BGR of shape (H, W, 3), or (H, W).
    :param options: pairs of an ``IMWRITE_…`` of OpenCV and its value.
    :raises UserError: it is too large for the format.
    :raises OSError: it cannot be written, and why: cv2.imwrite does not say.
    """
    try:
        written, data = cv2.imencode(path.suffix, picture, [*options])
    except cv2.error:
        written = False
    if not written:
        raise UserError(f'{path} cannot be a picture of shape {picture.shape}: too large')
    with atomic_path(path) as part:
        part.write_bytes(data.tobytes())
