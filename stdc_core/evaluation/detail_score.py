"""How well the detail map finds boundaries: precision, recall and F, over a whole data set.

As :class:`stdc_core.metrics.BoundaryScore`, whose matching it shares, for boundaries of any class
at once: a pixel is true boundary if one of its four neighbours has another class, and predicted
boundary where the detail map is at least one half.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stdc_core.labels import UNLABELED
from stdc_core.metrics import boundary_pixels, dilate, disk_of

NAN = float('nan')
THRESHOLD = 128  # of 255


@dataclass(frozen=True)
class DetailScores:
    """Shares 0..1, NaN where there is nothing to measure.

    :param width_px: how far a boundary pixel may lie from its counterpart.
    :param precision: share of the predicted boundary that is near a true one.
    :param recall: share of the true boundary that is near a predicted one.
    :param f_score: harmonic mean of both; 0 where one of them is 0 or NaN.
    """

    width_px: int
    precision: float
    recall: float
    f_score: float


class DetailScore:
    """Counts boundary pixels.

    :param width_px: at least 0.
    """

    def __init__(self, width_px: int) -> None:
        self.width_px = width_px
        self.counts: NDArray[np.int64] = np.zeros(4, np.int64)
        """int64, shape (4,): matched predicted, predicted, matched true and true boundary."""
        self._disk = disk_of(width_px)

    def update(self, truth: NDArray[np.uint8], detail: NDArray[np.uint8]) -> None:
        """Count one image.

        :param truth: uint8, class ids and 255 for what does not count, shape (H, W).
        :param detail: uint8, 255 for a boundary probability of 1, shape (H, W).
        """
        assert truth.shape == detail.shape
        counted = truth != UNLABELED
        true = boundary_pixels(truth, counted)
        predicted = (detail >= THRESHOLD) & counted
        self.counts += [
            np.count_nonzero(predicted & dilate(true, self._disk)),
            np.count_nonzero(predicted),
            np.count_nonzero(true & dilate(predicted, self._disk)),
            np.count_nonzero(true),
        ]

    def __add__(self, other: DetailScore) -> DetailScore:
        """Both data sets together."""
        assert other.width_px == self.width_px
        total = DetailScore(self.width_px)
        total.counts = self.counts + other.counts
        return total

    def scores(self) -> DetailScores:
        """Scores of everything counted so far."""
        matched_predicted, predicted, matched_true, true = self.counts.tolist()
        precision = matched_predicted / predicted if predicted else NAN
        recall = matched_true / true if true else NAN
        if not predicted and not true:
            return DetailScores(self.width_px, precision, recall, NAN)
        if not matched_predicted or not matched_true:
            return DetailScores(self.width_px, precision, recall, 0.0)
        f_score = 2 * precision * recall / (precision + recall)
        return DetailScores(self.width_px, precision, recall, f_score)
