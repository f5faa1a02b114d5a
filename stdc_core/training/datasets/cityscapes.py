"""Cityscapes (Cordts et al., CVPR 2016), 19 classes, in the folders of its official archives.

``leftImg8bit/SPLIT/CITY/NAME_leftImg8bit.png`` and ``gtFine/SPLIT/CITY/NAME_gtFine_labelIds.png``,
whose 34 ids become the 19 train ids, or ``.._labelTrainIds.png``, which cityscapesScripts makes.
The public labels of ``test`` are blank, so only ``train`` and ``val`` are opened.
"""

from __future__ import annotations

from pathlib import Path

from stdc_core.labels import CITYSCAPES, CITYSCAPES_TRAIN_IDS
from stdc_core.training.datasets.dataset import SegmentationDataset
from stdc_core.training.datasets.label_decoder import LabelDecoder, id_decoder
from stdc_core.training.datasets.pairing import open_splits
from stdc_core.training.datasets.problems import DatasetError

SPLITS = ('train', 'val')
IMAGES, LABELS = 'leftImg8bit', 'gtFine'


def looks_like_cityscapes(root: Path) -> bool:
    """Whether the two folders are there."""
    return (root / IMAGES).is_dir() and (root / LABELS).is_dir()


def city_of(name: str) -> str:
    """Name the city a frame is from, e.g. ``aachen`` for ``aachen/aachen_000000_000019``."""
    return name.partition('/')[0]


def open_cityscapes(root: Path) -> SegmentationDataset:
    """Open the splits that are there, from ``labelIds``.

    :raises DatasetError: there are none, or one has no pairs.
    """
    fix = "copy it from gtFine again; labelTrainIds are layout 'cityscapes-train-ids'"
    ids = dict(enumerate(CITYSCAPES_TRAIN_IDS))
    return _open(root, 'labelIds', id_decoder(CITYSCAPES, ids, fix=fix))


def open_cityscapes_train_ids(root: Path) -> SegmentationDataset:
    """Open the splits that are there, from ``labelTrainIds``.

    :raises DatasetError: there are none, or one has no pairs.
    """
    fix = "make it by createTrainIdLabelImgs.py; labelIds are layout 'cityscapes'"
    return _open(root, 'labelTrainIds', id_decoder(CITYSCAPES, fix=fix))


def _open(root: Path, kind: str, decoder: LabelDecoder) -> SegmentationDataset:
    present = [split for split in SPLITS if (root / IMAGES / split).is_dir()]
    if not present:
        raise DatasetError(
            f'{root} has no {IMAGES}/train or {IMAGES}/val, expected Cityscapes: unpack '
            'leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip there'
        )
    patterns = {
        split: (f'{IMAGES}/{split}/*/*_leftImg8bit.png', f'{LABELS}/{split}/*/*_gtFine_{kind}.png')
        for split in present
    }
    return open_splits(
        root,
        patterns,
        name='Cityscapes',
        labels=CITYSCAPES,
        decoder=decoder,
        sequence=city_of,
    )
