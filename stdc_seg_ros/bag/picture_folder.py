"""A folder of pictures as a drive, with labels from a folder of PNGs where there are any."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from stdc_core.geometry import Size
from stdc_core.labels import LabelSet
from stdc_core.training.datasets.dataset import read_image
from stdc_core.training.datasets.label_decoder import id_decoder
from stdc_core.training.datasets.problems import refuse
from stdc_seg_ros.bag.bag_writer import LabeledImage
from stdc_seg_ros.bag.errors import BagError

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')
COMPRESSED_MARKS = (b'\xff\xd8\xff', b'\x89PNG')  # JPEG and PNG, what a compressed topic holds
EXIF_MARKS = (b'Exif\0\0', b'eXIf')  # in JPEG, in PNG


class PictureFolder:
    """Pairs of a picture and its labels, in the order of their numbers (frame_2 before frame_10).

    :param images: folder of the pictures.
    :param labels: folder of PNGs of class ids, each named as its picture; None where there is
        none. A picture may have no labels.
    :param label_set: what the ids mean; its ignore id and 255 become 255.
    :param keep_files: give the files as they are, too, for a compressed topic.
    :raises BagError: there are no pictures, two of one name, or labels that fit none.
    """

    def __init__(
        self, images: Path, labels: Path | None, label_set: LabelSet, *, keep_files: bool = False
    ) -> None:
        self.images = images
        self._pictures = _by_stem(images, IMAGE_SUFFIXES)
        self._labels = {} if labels is None else _by_stem(labels, ('.png',))
        self._keep_files = keep_files
        fix = 'name the label set of these files by --label-set'
        self._decoder = id_decoder(label_set, fix=fix)
        both = self._pictures.keys() & self._labels.keys()
        if self._labels and not both:
            picture, label = next(iter(self._pictures)), next(iter(self._labels))
            raise BagError(
                f"no labels in {labels} are named as a picture in {images}: '{label}' and "
                f"'{picture}', expected the same names"
            )
        self.labels_without_picture = len(self._labels) - len(both)

    def __len__(self) -> int:
        return len(self._pictures)

    def __iter__(self) -> Iterator[LabeledImage]:
        """Read one after the other.

        :raises DatasetError: a file cannot be read, or holds ids that are none of the label set.
        :raises BagError: labels and picture differ in size, or a file cannot be kept as it is.
        """
        for stem, path in self._pictures.items():
            image = read_image(path)
            file = None
            if self._keep_files:
                file = path.read_bytes()
                _check_as_it_is(path, file)
            labels = None
            if label_path := self._labels.get(stem):
                decoded = self._decoder.decode(label_path)
                refuse(decoded.problems)
                labels = decoded.labels
                if labels.shape != image.shape[:2]:
                    raise BagError(
                        f'{label_path} has {Size(*labels.shape)} labels, expected '
                        f'{Size(*image.shape[:2])} (height x width) as {path} has'
                    )
            yield LabeledImage(image, labels, file)


def _by_stem(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    if not folder.is_dir():
        raise BagError(f'there is no folder {folder}')
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir(), key=_numbers_by_value):
        if path.suffix.lower() in suffixes and not path.name.startswith('.'):
            if path.stem in found:
                raise BagError(f'{found[path.stem]} and {path} have one name: take one away')
            found[path.stem] = path
    if not found:
        raise BagError(f'{folder} has no pictures ({", ".join(suffixes)})')
    return found


def _numbers_by_value(path: Path) -> list[tuple[int, str]]:
    parts = re.split(r'(\d+)', path.stem)
    return [(int(part), part) if part.isdecimal() else (0, part) for part in parts]


def _check_as_it_is(path: Path, file: bytes) -> None:
    """Refuse other formats, and what EXIF turns: in a camera's topic nobody applies that."""
    if not file.startswith(COMPRESSED_MARKS):
        raise BagError(f'{path} is neither JPEG nor PNG as compressed topics are: write rgb8')
    if not any(mark in file for mark in EXIF_MARKS):
        return
    data = np.frombuffer(file, np.uint8)
    as_stored = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    upright, stored = (cv2.imdecode(data, flags) for flags in (cv2.IMREAD_COLOR, as_stored))
    if not np.array_equal(upright, stored):  # type: ignore[arg-type]
        raise BagError(
            f'{path} is turned by its EXIF orientation, which no camera topic has: turn its '
            'pixels, or write rgb8'
        )
