"""CamVid (Brostow et al., "Semantic object classes in video", PRL 2009), 11 classes as ids.

Folders ``train``, ``val`` and ``test``, each with ``images`` and ``labels``: PNGs of the ids
0..10 in the order of :data:`stdc_core.labels.CAMVID`, and 11 for ignored.
"""

from __future__ import annotations

import json
from pathlib import Path

from stdc_core.labels import CAMVID
from stdc_core.training.datasets.dataset import SegmentationDataset
from stdc_core.training.datasets.label_decoder import id_decoder
from stdc_core.training.datasets.pairing import open_splits
from stdc_core.training.datasets.problems import DatasetError

SPLITS = ('train', 'val', 'test')
DRIVES = ('0001TP', '0006R0', '0016E5', 'Seq05VD')
FIX = 'describe the folder by a YAML file and map its ids with `ids:` (docs/datasets.md)'


def looks_like_camvid(root: Path) -> bool:
    """Whether the folders are there and the images are named after CamVid's drives."""
    names = [path.name for split in SPLITS for path in (root / split / 'images').glob('[!.]*')]
    return bool(names) and all(drive_of(name) in DRIVES for name in names)


def drive_of(name: str) -> str:
    """Name the drive a frame is from, e.g. ``0016E5`` for ``0016E5_07959``."""
    return name.partition('_')[0]


def open_camvid(root: Path) -> SegmentationDataset:
    """Open the splits that are there.

    :raises DatasetError: there are none, or one has no pairs.
    """
    present = [name for name in SPLITS if (root / name).is_dir()]
    if not present:
        raise DatasetError(f'{root} has no folder train, val or test, expected CamVid with ids')
    _check_class_names(root / 'classes.json')
    return open_splits(
        root,
        {name: (f'{name}/images', f'{name}/labels') for name in present},
        name='CamVid',
        labels=CAMVID,
        decoder=id_decoder(CAMVID, fix=FIX),
        sequence=drive_of,
    )


def _check_class_names(path: Path) -> None:
    """Compare the names of the classes where a ``classes.json`` gives them."""
    if not path.is_file():
        return
    try:
        names = tuple(json.loads(path.read_text(encoding='utf-8'))['names'][: len(CAMVID)])
    except (ValueError, LookupError, TypeError) as error:
        raise DatasetError(f"{path} is no JSON with a list 'names'") from error
    if names != CAMVID.names:
        raise DatasetError(
            f'{path} names the classes {", ".join(map(str, names))}, expected '
            f'{", ".join(CAMVID.names)}: describe the folder by a YAML file (docs/datasets.md)'
        )
