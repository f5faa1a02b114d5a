"""Scores masks in their order."""

from __future__ import annotations

from stdc_core.evaluation.drive_counts import DriveCounts, FrameScores, Masks
from stdc_core.geometry import Size
from stdc_seg_ros.bag.errors import BagError


class Scorer:
    """Counts one mask after the other.

    :param num_classes: of the masks.
    """

    def __init__(self, num_classes: int) -> None:
        self.counts = DriveCounts(num_classes)
        self._before: Masks | None = None
        self._sizes: set[tuple[int, ...]] = set()

    def add(self, stamp: int, masks: Masks) -> FrameScores:
        """Count a mask; arrays must not change afterwards.

        :raises BagError: the truth is of another size.
        """
        self._sizes.add(masks.prediction.shape)
        truth = masks.truth
        if truth is not None and truth.shape != masks.prediction.shape:
            raise BagError(
                f'labels at {stamp} are {Size(*truth.shape)}, expected '
                f'{Size(*masks.prediction.shape)} (height x width) as the image of this stamp'
            )
        scores = self.counts.add_mask(masks, self._before)
        self._before = masks
        return scores

    @property
    def notes(self) -> list[str]:
        """What a reader of the figures has to know of the masks."""
        if len(self._sizes) < 2:
            return []
        listed = ', '.join(f'{width}×{height}' for height, width in sorted(self._sizes))
        return [
            f'Images are of several sizes ({listed}): widths in pixels mean several things, and '
            'frames of different sizes are not compared.'
        ]
