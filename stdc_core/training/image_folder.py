"""Images in one folder a class, as ImageNet is laid out: ``root/train/CLASS/*.jpg``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stdc_core.training.datasets.dataset import read_image
from stdc_core.training.datasets.problems import DatasetError, DatasetFileError

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp')


@dataclass(frozen=True)
class ImageFolder:
    """One split.

    :param classes: names of the folders, sorted; a class's id is its place.
    :param images: paths and class ids.
    """

    classes: tuple[str, ...]
    images: tuple[tuple[Path, int], ...]

    def __len__(self) -> int:
        return len(self.images)

    def load(self, index: int) -> tuple[NDArray[np.uint8], int]:
        """Read an image, uint8 RGB (H, W, 3), and its class id.

        :raises DatasetError: the file is no image; names it.
        """
        path, class_id = self.images[index]
        try:
            return read_image(path), class_id
        except DatasetFileError as error:
            raise DatasetError(str(error.problem)) from error


def open_image_folder(
    root: str | Path, split: str, like: ImageFolder | None = None
) -> ImageFolder:
    """List the images of a split.

    :param like: split whose classes this one has to have.
    :raises DatasetError: no folder, no classes, a class without images, other classes.
    """
    folder = Path(root) / split
    if not folder.is_dir():
        raise DatasetError(
            f'there is no folder {folder}, expected one with a folder for each class'
        )
    classes = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))
    if not classes:
        raise DatasetError(f'{folder} has no folders, expected one for each class')
    if like is not None and classes != like.classes:
        different = sorted(set(classes) ^ set(like.classes))
        raise DatasetError(
            f'{folder} has not the classes of the other split: {", ".join(different)}'
        )
    images = []
    for class_id, name in enumerate(classes):
        paths = sorted(p for p in (folder / name).iterdir() if p.suffix.lower() in SUFFIXES)
        if not paths:
            raise DatasetError(f'{folder / name} has no images ({", ".join(SUFFIXES)})')
        images += [(path, class_id) for path in paths]
    return ImageFolder(classes, tuple(images))
