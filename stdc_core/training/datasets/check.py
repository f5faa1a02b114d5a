"""Read a whole data set once and say what is in it and what is wrong with it."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from stdc_core.geometry import Size
from stdc_core.training.datasets.class_weights import enet_class_weights
from stdc_core.training.datasets.dataset import (
    DatasetSplit,
    ImagePair,
    SegmentationDataset,
    read_pair,
)
from stdc_core.training.datasets.label_decoder import LabelDecoder
from stdc_core.training.datasets.problems import Problem
from stdc_core.training.datasets.report import DatasetReport, Overlap, SplitReport


@dataclass(frozen=True)
class _PairFacts:
    """What is kept of a pair.

    :param digest: of the image's pixels; None if it cannot be read.
    :param pixels: how many have each label, shape (256,); None if they cannot be read.
    """

    pair: ImagePair
    size: Size | None
    digest: bytes | None
    pixels: NDArray[np.int64] | None
    problems: tuple[Problem, ...]


def check_dataset(
    dataset: SegmentationDataset,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    threads: int = 2,
) -> DatasetReport:
    """Read every image and every label file once; collect all faults, not only the first.

    Two splits overlap where a name (unless ``unique_names`` is False) or every pixel of an image
    is the same. The same picture compressed or scaled anew under another name is not found.

    :param dataset: opened with ``allow_unpaired=True``, so that missing files are in the report
        too.
    :param on_progress: called with the number of pairs read and of all pairs.
    :param threads: that read.
    """
    total = sum(map(len, dataset.splits))
    done = 0
    facts: dict[str, list[_PairFacts]] = {}
    for split in dataset.splits:
        facts[split.name] = []
        with closing(_read(split, threads)) as pairs:
            for pair in pairs:
                facts[split.name].append(pair)
                done += 1
                on_progress(done, total)
    splits = tuple(_summary(split, facts[split.name]) for split in dataset.splits)
    training = next((split for split in splits if split.name == 'train'), splits[0])
    labelled = any(training.class_pixels)
    return DatasetReport(
        name=dataset.name,
        labels=dataset.labels,
        splits=splits,
        problems=(
            *dataset.problems,
            *(problem for pairs in facts.values() for pair in pairs for problem in pair.problems),
            *(
                _nothing_labelled(split)
                for split, summary in zip(dataset.splits, splits, strict=True)
                if summary.pixels and not any(summary.class_pixels)
            ),
        ),
        overlaps=tuple(_overlaps(facts, dataset.unique_names)),
        notes=tuple(_notes(dataset, splits, training)),
        training_split=training.name,
        class_weights=(
            tuple(enet_class_weights(training.class_pixels).tolist()) if labelled else ()
        ),
    )


def _read(split: DatasetSplit, threads: int) -> Generator[_PairFacts, None, None]:
    """Facts of all pairs, in order; closing it (Ctrl-C) cancels what is not begun."""
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(lambda pair: _facts(pair, split.decoder), split.pairs)


def _facts(pair: ImagePair, decoder: LabelDecoder) -> _PairFacts:
    content = read_pair(pair, decoder)
    image, labels = content.image, content.labels
    digest = None
    if image is not None:
        hasher = hashlib.blake2b(repr(image.shape).encode(), digest_size=16)
        hasher.update(image.data)
        digest = hasher.digest()
    return _PairFacts(
        pair,
        None if image is None else Size(*image.shape[:2]),
        digest,
        None if labels is None else np.bincount(labels.ravel(), minlength=256),
        content.problems,
    )


def _summary(split: DatasetSplit, facts: Sequence[_PairFacts]) -> SplitReport:
    classes = len(split.labels)
    readable = [pair.pixels for pair in facts if pair.pixels is not None]
    pixels = np.array(readable, np.int64).reshape(-1, 256)
    sizes = Counter(pair.size for pair in facts if pair.size is not None)
    return SplitReport(
        name=split.name,
        pairs=len(split),
        sizes=dict(sizes.most_common()),
        class_pixels=tuple(pixels[:, :classes].sum(0).tolist()),
        class_images=tuple(np.count_nonzero(pixels[:, :classes], 0).tolist()),
        ignored_pixels=int(pixels[:, classes:].sum()),
        unlabelled_images=int(np.count_nonzero(~pixels[:, :classes].any(1))),
        sequences=split.sequences if any(split.sequences) else {},
    )


def _nothing_labelled(split: DatasetSplit) -> Problem:
    return Problem(
        split.pairs[0].label_path.parent,
        f"no labelled pixel in split '{split.name}'",
        'pixels of the classes',
        'check that these are the right files and that their values are not ignored',
    )


def _overlaps(facts: dict[str, list[_PairFacts]], by_name: bool) -> Iterator[Overlap]:
    for first, second in combinations(facts, 2):
        same: dict[tuple[str, str], list[str]] = defaultdict(list)
        names = {pair.pair.name for pair in facts[first]}
        contents = defaultdict(list)
        for pair in facts[first]:
            contents[pair.digest].append(pair.pair.name)
        for pair in facts[second]:
            name = pair.pair.name
            if by_name and name in names:
                same[name, name].append('name')
            for other in contents[pair.digest] if pair.digest else ():
                same[other, name].append('content')
        for (in_first, in_second), what in sorted(same.items()):
            yield Overlap(f'{first}/{in_first}', f'{second}/{in_second}', tuple(what))


def _notes(
    dataset: SegmentationDataset, splits: Sequence[SplitReport], training: SplitReport
) -> Iterator[str]:
    for split in splits:
        if split.unlabelled_images:
            yield f'{split.name}: {split.unlabelled_images} images have no labelled pixel'
        absent = [
            name
            for name, pixels in zip(dataset.labels.names, split.class_pixels, strict=True)
            if not pixels
        ]
        if absent and any(split.class_pixels):
            what = 'learned' if split is training else 'measured'
            yield f'{", ".join(absent)}: no pixel in {split.name}, cannot be {what} there'
    for first, second in combinations(splits, 2):
        if shared := first.sequences.keys() & second.sequences.keys():
            yield (
                f'{first.name} and {second.name} both have {", ".join(sorted(shared))}: frames of '
                'one drive look alike, so scores are better than on a new drive'
            )
