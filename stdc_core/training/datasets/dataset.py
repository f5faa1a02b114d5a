"""Data sets: splits of pairs of an image and its labels, and how to read a pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.geometry import Size
from stdc_core.image_file import ImageFileError, decode_image_file, read_image_file
from stdc_core.labels import LabelSet
from stdc_core.training.datasets.label_decoder import LabelDecoder
from stdc_core.training.datasets.problems import DatasetError, DatasetFileError, Problem, refuse


@dataclass(frozen=True)
class ImagePair:
    """An image and the file with its labels.

    :param name: names the pair in its split: the image's path in its folder, without suffix.
    :param sequence: the drive (or city) it was taken on; empty where nobody knows.
    """

    name: str
    image_path: Path
    label_path: Path
    sequence: str = ''


@dataclass(frozen=True)
class Sample:
    """A pair that was read.

    :param image: uint8, RGB, shape (H, W, 3).
    :param labels: uint8, shape (H, W), class ids 0..C-1, and 255 for everything ignored, whatever
        the data set's own ignore id is.
    """

    name: str
    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]


@dataclass(frozen=True)
class DatasetSplit:
    """One part of a data set, e.g. what is trained on.

    :param name: e.g. ``train``.
    :param labels: the classes.
    :param decoder: what the values in the label files mean.
    :param pairs: sorted by name.
    """

    name: str
    labels: LabelSet
    decoder: LabelDecoder
    pairs: tuple[ImagePair, ...]

    def __len__(self) -> int:
        return len(self.pairs)

    def load(self, index: int) -> Sample:
        """Read a pair.

        :raises DatasetError: names the file, what is wrong in it, and what to do.
        """
        content = read_pair(self.pairs[index], self.decoder)
        refuse(content.problems)
        assert content.image is not None
        assert content.labels is not None
        return Sample(self.pairs[index].name, content.image, content.labels)

    @property
    def sequences(self) -> dict[str, int]:
        """How many pairs each sequence has."""
        return dict(sorted(Counter(pair.sequence for pair in self.pairs).items()))

    def only_sequences(self, sequences: Collection[str]) -> DatasetSplit:
        """Take the pairs of some sequences, e.g. to validate on a drive that was left out.

        :raises DatasetError: the split has no such sequence.
        """
        self._check_sequences(sequences)
        pairs = tuple(pair for pair in self.pairs if pair.sequence in sequences)
        return replace(self, name=f'{self.name}, {_listed(sequences)}', pairs=pairs)

    def without_sequences(self, sequences: Collection[str]) -> DatasetSplit:
        """Take the pairs of all other sequences, e.g. to train without one drive.

        :raises DatasetError: the split has no such sequence, or no other.
        """
        self._check_sequences(sequences)
        pairs = tuple(pair for pair in self.pairs if pair.sequence not in sequences)
        if not pairs:
            raise DatasetError(
                f"split '{self.name}' has no pairs without the sequences {_listed(sequences)}"
            )
        return replace(self, pairs=pairs)

    def mixed_with(self, other: DatasetSplit, share: float) -> DatasetSplit:
        """Add the pairs of another split, so that they make up about a share of all.

        Pairs of one or the other are repeated a whole number of times; no pair is left out.

        :param share: of the other split's pairs, above 0 and below 1.
        :raises DatasetError: the splits differ in their classes, or in what values in the label
            files mean.
        """
        if not 0 < share < 1:
            raise DatasetError(f'share is {share}, expected a number above 0 and below 1')
        if self.labels != other.labels:
            raise DatasetError(
                f"classes are those of '{self.labels.name}' here and of '{other.labels.name}' "
                'there: two data sets that are mixed need the same label set'
            )
        if unlike := set(other.decoder.classes) - set(self.decoder.classes):
            value, meaning = min(unlike)
            raise DatasetError(
                f'label {value} means class {meaning} in one of the two data sets and not in the '
                'other: describe both by YAML files with the same ids'
            )
        wanted = len(other) / len(self) * (1 - share) / share  # copies of each pair of this split
        mine, theirs = max(1, round(wanted)), max(1, round(1 / wanted))
        return replace(self, pairs=mine * self.pairs + theirs * other.pairs)

    def _check_sequences(self, sequences: Collection[str]) -> None:
        if isinstance(sequences, str) or not sequences:
            raise DatasetError(f'sequences are {sequences!r}, expected a list of names')
        if unknown := set(sequences) - self.sequences.keys():
            raise DatasetError(
                f"split '{self.name}' has no sequence {_listed(unknown)} "
                f'(known: {_listed(self.sequences)})'
            )


@dataclass(frozen=True)
class SegmentationDataset:
    """A data set, opened by :func:`stdc_core.training.datasets.open_dataset`.

    :param labels: the classes of all splits.
    :param problems: what came up while the files were paired, e.g. images without labels.
    :param unique_names: a name stands for one image in the whole data set, so that one in two
        splits is an overlap; False where each split counts its frames from 0.
    """

    name: str
    labels: LabelSet
    splits: tuple[DatasetSplit, ...]
    problems: tuple[Problem, ...] = ()
    unique_names: bool = True

    def split(self, name: str) -> DatasetSplit:
        """Find a split by its name.

        :raises DatasetError: there is none.
        """
        for split in self.splits:
            if split.name == name:
                return split
        known = _listed([split.name for split in self.splits])
        raise DatasetError(f"data set '{self.name}' has no split '{name}' (known: {known})")

    def training_splits(
        self, train: str, val: str, leave_out: Collection[str] = ()
    ) -> tuple[DatasetSplit, DatasetSplit]:
        """Find what is trained on, and what is evaluated on in training.

        :param leave_out: sequences of ``train`` to evaluate on, instead of the split ``val``.
        :raises DatasetError: there is no such split or sequence, or both would be the same.
        """
        whole = self.split(train)
        if leave_out:
            return whole.without_sequences(leave_out), whole.only_sequences(leave_out)
        if train == val:
            raise DatasetError(f"split '{train}' is to be trained and evaluated on: name two")
        return whole, self.split(val)


@dataclass(frozen=True)
class PairContent:
    """What the files of a pair hold, good or bad.

    :param image: uint8, RGB, shape (H, W, 3); None if it cannot be read.
    :param labels: uint8, shape (H, W), class ids and 255; None if they cannot be read. Values that
        mean nothing are 255 here and among the problems.
    """

    image: NDArray[np.uint8] | None
    labels: NDArray[np.uint8] | None
    problems: tuple[Problem, ...]


def read_pair(pair: ImagePair, decoder: LabelDecoder) -> PairContent:
    """Read a pair; what is wrong with it comes back as problems, all of them."""
    image = labels = None
    problems: list[Problem] = []
    try:
        image = read_image(pair.image_path)
    except (DatasetFileError, OSError) as error:
        problems.append(_problem(pair.image_path, error))
    try:
        decoded = decoder.decode(pair.label_path)
    except (DatasetFileError, OSError) as error:
        problems.append(_problem(pair.label_path, error))
    else:
        labels = decoded.labels
        problems += decoded.problems
    if image is not None and labels is not None and image.shape[:2] != labels.shape:
        found = f'labels of {Size(*labels.shape)} (height x width)'
        expected = f'{Size(*image.shape[:2])} as its image has'
        fix = 'resize one to the other, labels by nearest neighbour'
        problems.append(Problem(pair.label_path, found, expected, fix))
    return PairContent(image, labels, tuple(problems))


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read an image in any format OpenCV knows, turned upright by its EXIF orientation.

    :return: uint8, RGB, shape (H, W, 3).
    :raises DatasetFileError: it is no whole image, or one of over 64 megapixels.
    :raises OSError: it cannot be read.
    """
    try:
        image = decode_image_file(read_image_file(path), cv2.IMREAD_COLOR)
    except ImageFileError as error:
        fix = 'copy it again, or convert it to PNG or JPEG'
        raise DatasetFileError(Problem(path, str(error), 'a whole image', fix)) from error
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image)  # type: ignore[return-value]


def _problem(path: Path, error: DatasetFileError | OSError) -> Problem:
    if isinstance(error, DatasetFileError):
        return error.problem
    reason = error.strerror or type(error).__name__
    return Problem(path, reason, 'a readable file', 'check that it is there and may be read')


def _listed(names: Iterable[str]) -> str:
    return ', '.join(sorted(names))
