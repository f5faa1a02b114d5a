"""Whether a mask is right as often as its confidence says.

Reliability curve and expected calibration error (ECE) as in Guo et al., "On calibration of modern
neural networks" (ICML 2017), equations 2 and 3, over all pixels whose truth is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stdc_core.labels import UNLABELED

NAN = float('nan')
BINS = 15  # as Guo et al.


class ReliabilityBin(NamedTuple):
    """Pixels of about one confidence.

    :param pixels: how many; the other two are NaN where there are none.
    :param confidence: mean, 0..1.
    :param accuracy: share of them that is right, 0..1.
    """

    pixels: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class CalibrationScores:
    """What the counts say.

    :param ece: mean over the pixels of the distance between confidence and accuracy of their bin;
        NaN where there are none.
    :param confidence: mean over all pixels.
    :param accuracy: of all pixels.
    :param curve: bins of equal width, from confidence 0 to 1.
    """

    ece: float
    confidence: float
    accuracy: float
    curve: tuple[ReliabilityBin, ...]


class Calibration:
    """Counts right and wrong pixels by the byte of their confidence, so nothing is rounded."""

    def __init__(self) -> None:
        self.counts: NDArray[np.int64] = np.zeros((2, 256), np.int64)
        """int64, shape (2, 256): wrong and right pixels of each confidence byte."""

    def update(
        self,
        truth: NDArray[np.uint8],
        prediction: NDArray[np.uint8],
        confidence: NDArray[np.uint8],
    ) -> None:
        """Count one image.

        :param truth: uint8, class ids and 255 for what does not count, shape (H, W).
        :param prediction: uint8, shape (H, W).
        :param confidence: uint8, 255 for certainty, shape (H, W).
        """
        assert truth.shape == prediction.shape == confidence.shape
        # One count over three kinds of pixels: wrong, right, unlabeled.
        kind = (truth == prediction).view(np.uint8) | (truth == UNLABELED).view(np.uint8) << 1
        joint = np.bincount((kind.astype(np.uint16) << 8 | confidence).ravel(), minlength=4 << 8)
        self.counts += joint.reshape(4, 256)[:2]

    def __add__(self, other: Calibration) -> Calibration:
        """Both data sets together."""
        total = Calibration()
        total.counts = self.counts + other.counts
        return total

    def scores(self) -> CalibrationScores:
        """Scores of everything counted so far."""
        right, pixels = self.counts[1], self.counts.sum(0)
        confidence = np.arange(256) / 255
        place = np.minimum((confidence * BINS).astype(int), BINS - 1)
        sums = [
            np.bincount(place, weights=values, minlength=BINS)
            for values in (pixels, pixels * confidence, right)
        ]
        curve = tuple(
            ReliabilityBin(int(n), c / n if n else NAN, r / n if n else NAN)
            for n, c, r in zip(*(values.tolist() for values in sums), strict=True)
        )
        total = int(pixels.sum())
        if not total:
            return CalibrationScores(NAN, NAN, NAN, curve)
        gaps = [b.pixels * abs(b.confidence - b.accuracy) for b in curve if b.pixels]
        return CalibrationScores(
            ece=sum(gaps) / total,
            confidence=float((pixels * confidence).sum()) / total,
            accuracy=int(right.sum()) / total,
            curve=curve,
        )
