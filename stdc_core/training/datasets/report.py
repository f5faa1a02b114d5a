"""What a check of a data set found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stdc_core.geometry import Size
from stdc_core.labels import LabelSet
from stdc_core.training.datasets.class_weights import FORMULA
from stdc_core.training.datasets.problems import DatasetError, Problem


@dataclass(frozen=True)
class Overlap:
    """One picture in two splits: what is measured on it says nothing.

    :param first: split and name, e.g. ``train/0001TP_006690``.
    :param second: split and name in the other one.
    :param same: what both have in common: ``name``, ``content`` (every pixel), or both.
    """

    first: str
    second: str
    same: tuple[str, ...]

    def __str__(self) -> str:
        return f'{self.first} and {self.second}: same {" and ".join(self.same)}'


@dataclass(frozen=True)
class SplitReport:
    """Figures of one split, over the pairs that could be read.

    :param pairs: all of them, readable or not.
    :param sizes: how many images have each size, most frequent first.
    :param class_pixels: pixels of each class.
    :param class_images: images that have each class.
    :param ignored_pixels: pixels of no class (values that mean nothing are among them).
    :param unlabelled_images: images without a pixel of any class.
    :param sequences: how many pairs each drive or city has; empty where nobody knows.
    """

    name: str
    pairs: int
    sizes: Mapping[Size, int]
    class_pixels: tuple[int, ...]
    class_images: tuple[int, ...]
    ignored_pixels: int
    unlabelled_images: int
    sequences: Mapping[str, int]

    @property
    def pixels(self) -> int:
        """All pixels, ignored ones too."""
        return sum(self.class_pixels) + self.ignored_pixels

    @property
    def ignored_share(self) -> float:
        """Share of the pixels that are ignored, 0..1."""
        return self.ignored_pixels / self.pixels if self.pixels else 0.0


@dataclass(frozen=True)
class DatasetReport:
    """All that :func:`stdc_core.training.datasets.check_dataset` found.

    :param problems: faults of single files, all of them.
    :param overlaps: pictures that are in more than one split.
    :param notes: what is no fault but worth knowing.
    :param training_split: ``train``, or the first split where there is no such one.
    :param class_weights: of each class, from the training split (see :mod:`.class_weights`); empty
        if it has no labelled pixel.
    """

    name: str
    labels: LabelSet
    splits: tuple[SplitReport, ...]
    problems: tuple[Problem, ...]
    overlaps: tuple[Overlap, ...]
    notes: tuple[str, ...]
    training_split: str
    class_weights: tuple[float, ...]

    @property
    def ok(self) -> bool:
        """Fit for training: no problems, no overlaps."""
        return not self.problems and not self.overlaps

    def require_ok(self) -> None:
        """Refuse to go on with a data set that is not fit for training.

        :raises DatasetError: says how many problems and overlaps there are, and the first.
        """
        if not self.ok:
            first = self.problems[0] if self.problems else self.overlaps[0]
            raise DatasetError(
                f"data set '{self.name}' is not fit for training (problems: {len(self.problems)}, "
                f'overlaps between splits: {len(self.overlaps)}), first: {first}'
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            'name': self.name,
            'ok': self.ok,
            'label_set': self.labels.to_dict(),
            'splits': {
                split.name: {
                    'pairs': split.pairs,
                    'sizes': {str(size): count for size, count in split.sizes.items()},
                    'pixels': split.pixels,
                    'ignored_pixels': split.ignored_pixels,
                    'unlabelled_images': split.unlabelled_images,
                    'class_pixels': dict(zip(self.labels.names, split.class_pixels, strict=True)),
                    'class_images': dict(zip(self.labels.names, split.class_images, strict=True)),
                    'sequences': dict(split.sequences),
                }
                for split in self.splits
            },
            'problems': [
                {**vars(problem), 'path': str(problem.path)} for problem in self.problems
            ],
            'overlaps': [
                {**vars(overlap), 'same': list(overlap.same)} for overlap in self.overlaps
            ],
            'notes': list(self.notes),
            'training_split': self.training_split,
            'class_weights': list(self.class_weights),
            'class_weights_formula': FORMULA,
        }
