"""Which image belongs to which label file: their names, where the pattern is open, are the same.

A pattern is a folder (all images in and beneath it; what is open is the path in the folder,
without suffix) or a path with ``*`` (any text without ``/``) and ``**/`` (any folders; what is
open is what the wildcards stand for). So ``images/*.jpg`` and ``labels/*_L.png`` pair ``a.jpg``
with ``a_L.png``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from stdc_core.labels import LabelSet
from stdc_core.training.datasets.dataset import DatasetSplit, ImagePair, SegmentationDataset
from stdc_core.training.datasets.label_decoder import LabelDecoder
from stdc_core.training.datasets.problems import DatasetError, Problem

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')
MAX_FOLDERS = 100_000
WILDCARDS = {'**/': '(?:(.+)/)?', '*': '([^/]*)'}


def open_splits(
    root: Path,
    patterns: Mapping[str, tuple[str, str]],
    *,
    name: str,
    labels: LabelSet,
    decoder: LabelDecoder,
    sequence: Callable[[str], str],
    unique_names: bool = True,
) -> SegmentationDataset:
    """Pair the files of every split.

    :param root: what the patterns are relative to.
    :param patterns: of the images and of the label files, by split.
    :param sequence: the sequence of a pair, by its name.
    :raises DatasetError: a split has no images, no labels, or none that belong together.
    """
    pairings = {
        split: pair_files(root, *both, what=f"split '{split}'", sequence=sequence)
        for split, both in patterns.items()
    }
    return SegmentationDataset(
        name,
        labels,
        splits=tuple(
            DatasetSplit(split, labels, decoder, pairing.pairs)
            for split, pairing in pairings.items()
        ),
        problems=tuple(problem for pairing in pairings.values() for problem in pairing.problems),
        unique_names=unique_names,
    )


@dataclass(frozen=True)
class Pairing:
    """Pairs sorted by name, and what has no counterpart."""

    pairs: tuple[ImagePair, ...]
    problems: tuple[Problem, ...]


def pair_files(
    root: Path,
    images: str,
    labels: str,
    *,
    what: str,
    sequence: Callable[[str], str],
) -> Pairing:
    """Pair the images and label files of one split.

    :param root: what the patterns are relative to.
    :param images: pattern of the images.
    :param labels: pattern of the label files.
    :param what: the split, for messages.
    :param sequence: the sequence of a pair, by its name.
    :raises DatasetError: there are no images, no labels, or none that belong together.
    """
    problems: list[Problem] = []
    found = {}
    for kind, pattern in (('images', images), ('labels', labels)):
        found[kind] = _by_name(root, pattern, problems)
        if not found[kind]:
            raise DatasetError(f'{what} has no {kind}: nothing in {root} matches {pattern}')
    both = sorted(found['images'].keys() & found['labels'].keys())
    if not both:
        image, label = min(found['images']), min(found['labels'])
        raise DatasetError(
            f"{what} has no image with labels in {root}: {images} gives names like '{image}', "
            f"{labels} like '{label}': write patterns whose wildcards stand for the same text"
        )
    for kind, other, pattern in (('images', 'labels', labels), ('labels', 'images', images)):
        for name in sorted(found[kind].keys() - found[other].keys()):
            expected = f'{other} of the same name in {pattern}'
            fix = f'add them, or take the {kind} out'
            problems.append(Problem(found[kind][name], f'{kind} without {other}', expected, fix))
    pairs = (
        ImagePair(name, found['images'][name], found['labels'][name], sequence(name))
        for name in both
    )
    return Pairing(tuple(pairs), tuple(problems))


def _by_name(root: Path, pattern: str, problems: list[Problem]) -> dict[str, Path]:
    """Files that match a pattern, by what is open in it."""
    found: dict[str, Path] = {}
    for name, path in _matches(root, pattern):
        if name in found:
            expected = f"one file named '{name}'"
            fix = 'take one of them out'
            problems.append(Problem(path, f'second file beside {found[name]}', expected, fix))
        found.setdefault(name, path)
    return found


def _matches(root: Path, pattern: str) -> Iterator[tuple[str, Path]]:
    if '*' not in pattern:
        for path in _files(root / pattern):
            if path.suffix.lower() in IMAGE_SUFFIXES:
                yield path.relative_to(root / pattern).with_suffix('').as_posix(), path
        return
    fixed = pattern[: pattern.index('*')].rpartition('/')[0]
    base = root / fixed
    open_part = pattern[len(fixed) :].lstrip('/')
    expression = re.compile(
        re.sub(
            r'\*\*/|\*|[^*]+', lambda part: WILDCARDS.get(part[0], re.escape(part[0])), open_part
        )
    )
    for path in _files(base):
        if match := expression.fullmatch(path.relative_to(base).as_posix()):
            yield '/'.join(filter(None, match.groups())), path


def _files(top: Path) -> Iterator[Path]:
    """Files in and beneath a folder, sorted, links followed, without hidden ones.

    A link back to a folder that led here has nothing new. Links in all directions can still make
    many folders of a few.
    """
    if not top.is_dir():
        raise DatasetError(f'there is no folder {top}')
    waiting = [(top, frozenset[Path]())]
    count = 0
    while waiting:
        folder, above = waiting.pop()
        above |= {folder.resolve()}
        if (count := count + 1) > MAX_FOLDERS:
            raise DatasetError(f'{top} has over {MAX_FOLDERS:,} folders, links among them')
        found = sorted(path for path in folder.iterdir() if not path.name.startswith('.'))
        inner = {path for path in found if path.is_dir()}
        yield from (path for path in found if path not in inner)
        waiting += [
            (path, above)
            for path in reversed(found)
            if path in inner and not (path.is_symlink() and path.resolve() in above)
        ]
