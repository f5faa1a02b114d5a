"""From the values in a label file to class ids: one table, and nothing is silently lost."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stdc_core.labels import UNLABELED, Color, LabelSet
from stdc_core.training.datasets.png import read_png_colors, read_png_ids
from stdc_core.training.datasets.problems import DatasetError, Problem

UNKNOWN = 256  # in tables: a value that means nothing here
MAX_VALUES = 5  # unknown values of one file that are named one by one, the most frequent ones

Classes = tuple[tuple[int, int], ...]  # (value in the file, class id or 255), by value


@dataclass(frozen=True)
class DecodedLabels:
    """Labels of one file.

    :param labels: uint8, shape (H, W), class ids 0..C-1, and 255 for ignored and unknown values.
    :param problems: one a value that means nothing in this data set.
    """

    labels: NDArray[np.uint8]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class LabelDecoder(ABC):
    """What each value in the label files of a data set means.

    :param classes: class id, or 255 for ignored, of each known value.
    :param fix: what a user does about a value that is not among them.
    """

    classes: Classes
    fix: str

    @abstractmethod
    def _read(self, path: Path) -> NDArray[np.integer]:
        """Read the values of a file, shape (H, W)."""

    @abstractmethod
    def _table(self) -> NDArray[np.uint16]:
        """Give class id, 255 or ``UNKNOWN`` of every value there can be."""

    @abstractmethod
    def _say(self, value: int) -> str:
        """Name a value in a user's words."""

    @abstractmethod
    def _expected(self) -> str:
        """Name all known values in a user's words."""

    def decode(self, path: Path) -> DecodedLabels:
        """Read a label file.

        :raises DatasetFileError: the file is no whole PNG of the right kind.
        :raises OSError: it cannot be read.
        """
        values = self._read(path)
        found = self._table()[values]
        unknown = found == UNKNOWN
        problems = tuple(self._problems(path, values[unknown])) if unknown.any() else ()
        found[unknown] = UNLABELED
        return DecodedLabels(found.astype(np.uint8), problems)

    def _problems(self, path: Path, values: NDArray[np.integer]) -> Iterable[Problem]:
        unknown, pixels = np.unique(values, return_counts=True)
        order = np.argsort(-pixels, kind='stable')
        for index in order[:MAX_VALUES]:
            found = self._say(int(unknown[index]))
            yield Problem(path, found, self._expected(), self.fix, int(pixels[index]))
        if rest := order[MAX_VALUES:].tolist():
            more = f'{len(rest)} more values'
            yield Problem(path, more, self._expected(), self.fix, int(pixels[rest].sum()))


class IdDecoder(LabelDecoder):
    """Labels stored as ids, 0..65535."""

    def _read(self, path: Path) -> NDArray[np.integer]:
        return read_png_ids(path)

    def _table(self) -> NDArray[np.uint16]:
        return _table(self.classes, 1 << 16)

    def _say(self, value: int) -> str:
        return f'label {value}'

    def _expected(self) -> str:
        return _ranges([value for value, _ in self.classes])


class ColorDecoder(LabelDecoder):
    """Labels stored as colours; a value is red << 16 | green << 8 | blue."""

    def _read(self, path: Path) -> NDArray[np.integer]:
        colors = read_png_colors(path).astype(np.uint32)
        return colors[..., 0] << 16 | colors[..., 1] << 8 | colors[..., 2]

    def _table(self) -> NDArray[np.uint16]:
        return _table(self.classes, 1 << 24)

    def _say(self, value: int) -> str:
        return f'colour {(value >> 16, value >> 8 & 255, value & 255)}'

    def _expected(self) -> str:
        return f'one of {len(self.classes)} colours'


@cache  # of 32 MB for colours: one for all decoders with the same classes
def _table(classes: Classes, size: int) -> NDArray[np.uint16]:
    table = np.full(size, UNKNOWN, np.uint16)
    for value, class_id in classes:
        table[value] = class_id
    return table


def id_decoder(
    labels: LabelSet,
    ids: Mapping[int, int] | None = None,
    ignore_ids: Sequence[int] = (),
    *,
    fix: str,
) -> LabelDecoder:
    """Make a decoder of label files that hold ids.

    :param labels: the classes; its ignore id and 255 are ignored, unless ``ids`` says otherwise.
    :param ids: class id (or 255) of each id in the files; the same where None.
    :param ignore_ids: more ids of the files to ignore.
    :param fix: what a user does about an id that is none of these.
    :raises DatasetError: an id is out of range, or both mapped and ignored.
    """
    known = {class_id: class_id for class_id in range(len(labels))} if ids is None else dict(ids)
    for value in (*known, *ignore_ids):
        if not 0 <= value < 1 << 16:
            raise DatasetError(f'id {value} is outside 0..65535')
    classes = {UNLABELED: UNLABELED, labels.ignore_id: UNLABELED, **known}
    return IdDecoder(_ignoring(classes, known, ignore_ids, 'id'), fix)


def color_decoder(
    labels: LabelSet,
    colors: Mapping[Color, int] | None = None,
    ignore_colors: Sequence[Color] = (),
    *,
    fix: str,
) -> LabelDecoder:
    """Make a decoder of label files that hold colours.

    :param labels: the classes.
    :param colors: class id (or 255) of each RGB colour in the files; the label set's colours where
        None.
    :param ignore_colors: RGB colours to ignore.
    :param fix: what a user does about a colour that is none of these.
    :raises DatasetError: a colour is out of range, stands for two classes, or is both mapped and
        ignored.
    """
    if colors is None:
        colors = {color: class_id for class_id, color in enumerate(labels.colors)}
        for class_id, color in enumerate(labels.colors):
            if colors[color] != class_id:
                both = f'{labels.names[class_id]} and {labels.names[colors[color]]}'
                raise DatasetError(f'{both} have the colour {color}: map colours with `colors:`')
    known = {_packed(color): class_id for color, class_id in colors.items()}
    ignored = [_packed(color) for color in ignore_colors]
    return ColorDecoder(_ignoring(known, known, ignored, 'colour'), fix)


def _packed(color: Color) -> int:
    if len(color) != 3 or not all(0 <= value <= 255 for value in color):
        raise DatasetError(f'colour {list(color)} is none, expected three values of 0..255 (RGB)')
    return color[0] << 16 | color[1] << 8 | color[2]


def _ignoring(
    classes: Mapping[int, int], known: Mapping[int, int], ignored: Iterable[int], what: str
) -> Classes:
    """``classes`` with the ignored values, which must not be among the known ones."""
    ignored = set(ignored)
    for value in sorted(ignored & known.keys()):
        said = value if what == 'id' else (value >> 16, value >> 8 & 255, value & 255)
        raise DatasetError(f'{what} {said} is a class and ignored too: take one of them out')
    return tuple(sorted({**classes, **dict.fromkeys(ignored, UNLABELED)}.items()))


def _ranges(values: list[int]) -> str:
    """``0..18 or 255`` for sorted values."""
    ends = [i for i in range(len(values)) if values[i + 1 : i + 2] != [values[i] + 1]]
    starts = [0, *(end + 1 for end in ends[:-1])]
    runs = [
        str(values[start]) if start == end else f'{values[start]}..{values[end]}'
        for start, end in zip(starts, ends, strict=True)
    ]
    return ' or '.join([', '.join(runs[:-1]), runs[-1]] if len(runs) > 1 else runs)
