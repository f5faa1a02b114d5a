"""Scores masks in their order, and keeps them as PNG files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.evaluation.drive_counts import DriveCounts, FrameScores, Masks
from stdc_core.geometry import Size
from stdc_seg_ros.bag.errors import BagError

FAST_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1]


class Scorer:
    """Counts one mask after the other.

    :param num_classes: of the masks.
    """

    def __init__(self, num_classes: int) -> None:
        self.counts = DriveCounts(num_classes)
        self._before: Masks | None = None

    def add(self, stamp: int, masks: Masks) -> FrameScores:
        """Count a mask; arrays must not change afterwards.

        :raises BagError: the truth is of another size.
        """
        truth = masks.truth
        if truth is not None and truth.shape != masks.prediction.shape:
            raise BagError(
                f'labels at {stamp} are {Size(*truth.shape)}, expected '
                f'{Size(*masks.prediction.shape)} (height x width) as the image of this stamp'
            )
        scores = self.counts.add_mask(masks, self._before)
        self._before = masks
        return scores


def mask_path(folder: Path, stamp: int) -> Path:
    """Where the mask of a stamp lies."""
    return folder / f'{stamp}.png'


def write_mask(folder: Path, stamp: int, mask: NDArray[np.uint8]) -> None:
    """Keep a mask.

    :raises OSError: it cannot be written.
    """
    _, data = cv2.imencode('.png', mask, FAST_PNG)
    path = mask_path(folder, stamp)
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:  # of a full disk it does not say the name
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
