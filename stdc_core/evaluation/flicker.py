"""Temporal flicker: pixels that change class from one mask to the next though the truth does not.

A change that the truth makes too, at the same pixel, is what a moving scene asks for and does not
count; Varghese et al., "Unsupervised temporal consistency metric for video segmentation" (CVPRW
2020), take out motion by optical flow instead, where there is no truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stdc_core.labels import UNLABELED

NAN = float('nan')


@dataclass(frozen=True)
class FlickerScores:
    """Shares are 0..1, NaN where there is no pair of masks to compare.

    :param pairs: of consecutive masks.
    :param changed: share of all their pixels that change class.
    :param labeled_pairs: those of which both masks have truth.
    :param flicker: of the pixels whose truth is known in both and stays, the share whose
        prediction changes.
    :param truth_changed: of the pixels whose truth is known in both, the share where it changes.
    """

    pairs: int
    changed: float
    labeled_pairs: int
    flicker: float
    truth_changed: float


@dataclass(frozen=True)
class FlickerCounts:
    """Pixels of one or more pairs of consecutive masks.

    :param pixels: of all pairs.
    :param changed: of these, that change class.
    :param known: whose truth is known in both masks.
    :param still: of these, whose truth stays.
    :param flickering: of these, whose prediction changes.
    """

    pairs: int = 0
    pixels: int = 0
    changed: int = 0
    labeled_pairs: int = 0
    known: int = 0
    still: int = 0
    flickering: int = 0

    def __add__(self, other: FlickerCounts) -> FlickerCounts:
        """Both together."""
        mine, others = vars(self), vars(other)
        return FlickerCounts(**{name: mine[name] + others[name] for name in mine})

    def scores(self) -> FlickerScores:
        """Shares of everything counted."""
        return FlickerScores(
            pairs=self.pairs,
            changed=self.changed / self.pixels if self.pixels else NAN,
            labeled_pairs=self.labeled_pairs,
            flicker=self.flickering / self.still if self.still else NAN,
            truth_changed=1 - self.still / self.known if self.known else NAN,
        )


def count_flicker(
    before: NDArray[np.uint8],
    after: NDArray[np.uint8],
    truth_before: NDArray[np.uint8] | None = None,
    truth_after: NDArray[np.uint8] | None = None,
) -> FlickerCounts:
    """Compare two consecutive masks of one size.

    :param before: uint8, class ids, shape (H, W); as the others.
    :param truth_before: 255 where it is not known; None where there is none.
    """
    assert before.shape == after.shape
    changes = before != after
    pixels, changed = changes.size, int(np.count_nonzero(changes))
    if truth_before is None or truth_after is None:
        return FlickerCounts(1, pixels, changed)
    known = (truth_before != UNLABELED) & (truth_after != UNLABELED)
    still = known & (truth_before == truth_after)
    return FlickerCounts(
        pairs=1,
        pixels=pixels,
        changed=changed,
        labeled_pairs=1,
        known=int(np.count_nonzero(known)),
        still=int(np.count_nonzero(still)),
        flickering=int(np.count_nonzero(still & changes)),
    )
