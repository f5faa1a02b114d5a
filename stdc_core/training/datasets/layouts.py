"""One way to open every data set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from stdc_core.training.datasets.camvid import looks_like_camvid, open_camvid
from stdc_core.training.datasets.camvid_original import (
    looks_like_original_camvid,
    open_original_camvid,
)
from stdc_core.training.datasets.cityscapes import (
    looks_like_cityscapes,
    open_cityscapes,
    open_cityscapes_train_ids,
)
from stdc_core.training.datasets.dataset import SegmentationDataset
from stdc_core.training.datasets.folder import open_folder
from stdc_core.training.datasets.problems import DatasetError, refuse

Layout = Literal[
    'auto', 'camvid', 'camvid-original', 'cityscapes', 'cityscapes-train-ids', 'folder'
]

OPENERS: dict[Layout, Callable[[Path], SegmentationDataset]] = {
    'camvid': open_camvid,
    'camvid-original': open_original_camvid,
    'cityscapes': open_cityscapes,
    'cityscapes-train-ids': open_cityscapes_train_ids,
    'folder': open_folder,
}
MARKS: dict[Layout, Callable[[Path], bool]] = {
    'folder': Path.is_file,
    'cityscapes': looks_like_cityscapes,
    'camvid-original': looks_like_original_camvid,
    'camvid': looks_like_camvid,
}


def open_dataset(
    path: str | Path, layout: Layout = 'auto', *, allow_unpaired: bool = False
) -> SegmentationDataset:
    """Open a data set: list its files, and pair images with labels. No image is read.

    :param path: its folder, or the YAML file that describes it.
    :param layout: how it is laid out; ``auto`` looks at the names of files and folders.
    :param allow_unpaired: leave out images without labels and labels without image, which are
        listed in ``problems`` then, instead of refusing.
    :raises DatasetError: nothing is there, no layout fits, something is missing.
    """
    path = Path(path)
    if layout not in get_args(Layout):
        known = ', '.join(get_args(Layout))
        raise DatasetError(f"unknown layout '{layout}' (known: {known})")
    if not path.exists():
        raise DatasetError(f'there is no data set {path}')
    if layout == 'auto':
        layout = _layout_of(path)
    if (layout == 'folder') != path.is_file():
        expected = 'a YAML file' if layout == 'folder' else 'a folder'
        raise DatasetError(f"{path} is not {expected}, as layout '{layout}' needs")
    dataset = OPENERS[layout](path)
    if not allow_unpaired:
        refuse(dataset.problems)
    return dataset


def _layout_of(path: Path) -> Layout:
    for layout, fits in MARKS.items():
        if fits(path):
            return layout
    raise DatasetError(
        f'{path} is laid out like none of {", ".join(MARKS)}: name its layout, or describe it '
        'by a YAML file (docs/datasets.md) and name that'
    )
