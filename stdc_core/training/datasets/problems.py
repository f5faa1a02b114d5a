"""What is wrong with a data set: which file, what it has, what was expected, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stdc_core.errors import UserError


class DatasetError(UserError, ValueError):
    """A data set that cannot be used as it is; the message names file, fault and remedy."""


@dataclass(frozen=True)
class Problem:
    """One fault of one file.

    :param path: the file.
    :param found: what it is or has, e.g. ``label 34``.
    :param expected: instead.
    :param fix: what to do about it.
    :param pixels: how many it concerns; 0 where it is about the file.
    """

    path: Path
    found: str
    expected: str
    fix: str
    pixels: int = 0

    def __str__(self) -> str:
        unit = 'pixel' if self.pixels == 1 else 'pixels'
        pixels = f' ({self.pixels:,} {unit})' if self.pixels else ''
        return f'{self.path}: {self.found}{pixels}, expected {self.expected}: {self.fix}'


class DatasetFileError(DatasetError):
    """One file that cannot be used."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


def refuse(problems: Sequence[Problem]) -> None:
    """Raise a :class:`DatasetError` if there are problems, naming the first and how many."""
    if problems:
        more = f' ({len(problems)} problems, check_dataset.py lists all)' if problems[1:] else ''
        raise DatasetError(f'{problems[0]}{more}')
