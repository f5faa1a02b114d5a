"""Truth of a drive: labels by stamp, of a topic of the bag or of a folder of PNGs."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stdc_core.labels import LabelSet
from stdc_seg_ros.bag.bag_reader import IMAGE_TYPES, BagReader
from stdc_seg_ros.bag.errors import BagError
from stdc_seg_ros.evaluation.label_images import LabelImages
from stdc_seg_ros.evaluation.stamps import message_stamp_ns, raw_stamp_ns

STAMP_NAME = re.compile(r'(\d+)(?:[._](\d{9}))?')  # nanoseconds, or seconds and nanoseconds


class Truth(ABC):
    """Labels by stamp.

    :param source: where they are from, in a user's words.
    :param stamps: nanoseconds, ascending.
    """

    source: str
    stamps: Sequence[int]

    @abstractmethod
    def read(self, stamps: Sequence[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Go through the labels of some stamps, in an order of its own.

        :return: stamp, and class ids and 255, uint8 of shape (H, W).
        :raises BagError: labels that are none.
        """


class TopicTruth(Truth):
    """Labels of a topic; reads the bag by a reader of its own.

    :raises BagError: no such topic, or it has no images.
    """

    def __init__(self, bag: Path, topic: str, labels: LabelSet, *, salvage: bool = False) -> None:
        self._bag, self._topic, self._salvage = bag, topic, salvage
        self._images = LabelImages(labels)
        with self._open() as reader:
            self._type = reader.topic(topic).type
            if self._type not in IMAGE_TYPES:
                raise BagError(f'{bag}: {topic} has messages of {self._type}, expected images')
            self.stamps = sorted({raw_stamp_ns(m.data) for m in reader.read_raw([topic])})
        self.source = f'topic {topic}'

    def _open(self) -> BagReader:
        return BagReader(self._bag, salvage=self._salvage)

    def read(self, stamps: Sequence[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """As they were recorded."""
        wanted = set(stamps)
        with self._open() as reader:
            for _, message in reader.read(self._topic, lambda raw: raw_stamp_ns(raw) in wanted):
                stamp = message_stamp_ns(message)
                wanted.discard(stamp)  # the first of a stamp counts
                yield stamp, self._images.of_message(message, self._type, self._what(stamp))

    def _what(self, stamp: int) -> str:
        return f'{self._bag}: {self._topic} at {stamp}'


class FolderTruth(Truth):
    """A folder of PNGs, named by their stamps: nanoseconds, or SECONDS.NANOSECONDS (or with _).

    :raises BagError: no folder, or no such file in it.
    """

    def __init__(self, folder: Path, labels: LabelSet) -> None:
        if not folder.is_dir():
            raise BagError(f'there is no folder of labels {folder}')
        self._images = LabelImages(labels)
        self._files: dict[int, Path] = {}
        for path in sorted(folder.glob('*.png')):
            if match := STAMP_NAME.fullmatch(path.stem):
                whole, rest = match.groups()
                stamp = int(whole) if rest is None else int(whole) * 10**9 + int(rest)
                self._files[stamp] = path
        if not self._files:
            raise BagError(
                f'{folder} has no labels named by stamp, expected e.g. 1700000000066666667.png '
                '(nanoseconds) or 1700000000.066666667.png'
            )
        self.stamps = sorted(self._files)
        self.source = f'folder {folder}'

    def read(self, stamps: Sequence[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """In the order of the stamps."""
        for stamp in sorted(set(stamps) & self._files.keys()):
            path = self._files[stamp]
            yield stamp, self._images.of_file(path.read_bytes(), str(path))


class TruthStream:
    """Truth of one stamp after the other, asked for in about the order it is kept in.

    What is passed over is kept until it is asked for, so the labels may be recorded later, or in
    another order, at the cost of memory.

    :param stamps: that will be asked for.
    """

    def __init__(self, truth: Truth, stamps: Sequence[int]) -> None:
        self._left = set(truth.stamps) & set(stamps)
        self._source = truth.read(sorted(self._left))
        self._kept: dict[int, NDArray[np.uint8]] = {}

    def take(self, stamp: int) -> NDArray[np.uint8] | None:
        """Truth of a stamp, once; None where it has none."""
        if stamp in self._kept:
            return self._kept.pop(stamp)
        if stamp not in self._left:
            return None
        for found, labels in self._source:
            self._left.discard(found)
            if found == stamp:
                return labels
            self._kept[found] = labels
        return None


def check_match(images: Sequence[int], truth: Truth) -> int:
    """Count the images that have labels of their stamp.

    :raises BagError: none has; says how near the nearest is.
    """
    matched = len(set(images) & set(truth.stamps))
    if matched or not truth.stamps:
        return matched
    stamps = np.array(truth.stamps)
    place = np.searchsorted(stamps, images).clip(1, max(1, len(stamps) - 1))
    near = stamps[np.stack([place - 1, np.minimum(place, len(stamps) - 1)])]
    gaps = np.abs(near - np.array(images))
    row, column = np.unravel_index(gaps.argmin(), gaps.shape)
    raise BagError(
        f'labels of {truth.source} match no image: the nearest, {near[row, column]}, is '
        f'{gaps.min() / 1e6:.3f} ms from the image {images[column]}, expected equal stamps '
        '(nanoseconds): are they of this drive?'
    )
