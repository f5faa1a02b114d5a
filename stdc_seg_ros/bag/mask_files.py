"""Masks of a drive as PNG files of class ids, one a stamp."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

FAST_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1]


def mask_path(folder: Path, stamp: int) -> Path:
    """Where the mask of a stamp lies."""
    return folder / f'{stamp}.png'


def write_mask(folder: Path, stamp: int, mask: NDArray[np.uint8]) -> None:
    """Keep a mask; one that cannot be written leaves no file.

    :raises OSError: it cannot be written.
    """
    _, data = cv2.imencode('.png', mask, FAST_PNG)
    path = mask_path(folder, stamp)
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:  # of a full disk it does not say the name
        path.unlink(missing_ok=True)
        error.filename = error.filename or str(path)
        raise


def read_mask(folder: Path, stamp: int) -> NDArray[np.uint8] | None:
    """Read the mask of a stamp; None where there is none."""
    path = mask_path(folder, stamp)
    return cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) if path.exists() else None  # type: ignore[return-value]


def empty_mask_folder(output: Path) -> Path:
    """Make the folder of the masks; those of an earlier run go."""
    folder = output / 'masks'
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob('*.png'):
        old.unlink()
    return folder
