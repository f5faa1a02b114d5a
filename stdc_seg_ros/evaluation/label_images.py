"""What a label picture says of every pixel: ids (one channel) or colours of a label set."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.image_file import ImageFileError, decode_image_file
from stdc_core.labels import UNLABELED, LabelSet
from stdc_seg_ros.bag.bag_reader import COMPRESSED_IMAGE
from stdc_seg_ros.bag.errors import BagError
from stdc_seg_ros.image_messages import decode_image

ID_ENCODINGS = ('mono8', '8UC1')
UNKNOWN = 254  # in tables: no class can have it, a label set has at most 255 ids with ignore_id
BITS_PLACE = 24  # in a PNG file: bits of a value
BLACK = 0  # packed colour; what is no class is drawn so


class LabelImages:
    """Turns label pictures into class ids and 255.

    :param labels: classes of the model. Its ignore id and 255 do not count; nor does black, where
        no class is black, in pictures of colours.
    """

    def __init__(self, labels: LabelSet) -> None:
        if len(labels) > UNKNOWN:
            raise BagError(f'label set {labels.name} has {len(labels)} classes, expected to 254')
        self._labels = labels
        self._ids = np.full(256, UNKNOWN, np.uint8)
        self._ids[: len(labels)] = np.arange(len(labels))
        self._ids[[labels.ignore_id, UNLABELED]] = UNLABELED
        self._colors: NDArray[np.uint8] | None = None

    def of_message(self, message: Any, message_type: str, what: str) -> NDArray[np.uint8]:
        """Read a label message.

        :param what: it is called in errors.
        :return: uint8, shape (H, W).
        :raises BagError: a value that is no class, or a lossy picture.
        :raises UserError: no image that can be read.
        """
        if message_type == COMPRESSED_IMAGE:
            return self.of_file(bytes(message.data), what)
        pixels = decode_image(message)
        if message.encoding in ID_ENCODINGS:
            return self._of_ids(np.ascontiguousarray(pixels.pixels[..., 0]), what)
        rgb = pixels.pixels if pixels.color_order == 'rgb' else pixels.pixels[..., ::-1]
        return self._of_colors(rgb, what)

    def of_file(self, data: bytes, what: str) -> NDArray[np.uint8]:
        """Read a PNG; as :meth:`of_message`."""
        if not data.startswith(b'\x89PNG'):
            raise BagError(f'{what}: labels are no PNG, expected one (a JPEG changes ids)')
        try:
            pixels = decode_image_file(data, cv2.IMREAD_UNCHANGED)
        except ImageFileError as error:
            raise BagError(f'{what}: labels: {error}, expected a whole PNG of 8 bits') from error
        if pixels.dtype != np.uint8:
            found = f'have {pixels.dtype} values'
            raise BagError(f'{what}: labels {found}, expected a whole PNG of 8 bits')
        if pixels.ndim == 2:
            if (bits := data[BITS_PLACE]) < 8:  # OpenCV scales them to 0..255
                pixels = pixels // (255 // ((1 << bits) - 1))
            return self._of_ids(pixels, what)
        return self._of_colors(pixels[..., 2::-1], what)

    def _of_ids(self, ids: NDArray[np.uint8], what: str) -> NDArray[np.uint8]:
        found: NDArray[np.uint8] = cv2.LUT(ids, self._ids)  # type: ignore[assignment]
        if (unknown := found == UNKNOWN).any():
            value = int(ids[unknown][0])
            last = len(self._labels) - 1
            raise BagError(
                f'{what}: label {value} ({np.count_nonzero(ids == value):,} pixels) is outside '
                f'0..{last}, {self._labels.ignore_id} and {UNLABELED}: map the labels to the '
                f"model's {len(self._labels)} classes ({self._labels.name}) before"
            )
        return found

    def _of_colors(self, rgb: NDArray[np.uint8], what: str) -> NDArray[np.uint8]:
        packed = rgb.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
        found = self._color_table()[packed]
        if (unknown := found == UNKNOWN).any():
            value = int(packed[unknown][0])
            color = (value >> 16, value >> 8 & 255, value & 255)
            raise BagError(
                f'{what}: colour {color} ({np.count_nonzero(packed == value):,} pixels) is none '
                f"of the model's label set {self._labels.name}, nor black"
            )
        return found

    def _color_table(self) -> NDArray[np.uint8]:
        if self._colors is None:
            self._colors = np.full(1 << 24, UNKNOWN, np.uint8)
            self._colors[BLACK] = UNLABELED
            for class_id, (red, green, blue) in reversed([*enumerate(self._labels.colors)]):
                self._colors[red << 16 | green << 8 | blue] = class_id
        return self._colors
