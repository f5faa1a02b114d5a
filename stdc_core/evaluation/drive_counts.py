"""Everything that is counted over the masks of a drive, frame by frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stdc_core.errors import InvalidArgumentError
from stdc_core.evaluation.calibration import Calibration
from stdc_core.evaluation.detail_score import DetailScore
from stdc_core.evaluation.flicker import FlickerCounts, count_flicker
from stdc_core.evaluation.latency_histogram import LatencyHistogram
from stdc_core.metrics import BoundaryScore, ConfusionMatrix

BOUNDARY_PX = (1, 3)
DETAIL_PX = 3


@dataclass(frozen=True)
class Masks:
    """What is known of one frame; uint8 of shape (H, W).

    :param prediction: class ids.
    :param truth: class ids and 255; None where the frame has no labels.
    :param confidence: 255 for certainty; None where nobody computed it, as ``detail``.
    """

    prediction: NDArray[np.uint8]
    truth: NDArray[np.uint8] | None = None
    confidence: NDArray[np.uint8] | None = None
    detail: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class FrameScores:
    """Shares 0..1 of one frame; None where there is nothing to compare with.

    :param miou: over the classes that this frame or its truth has.
    :param changed: of the pixels, since the mask before.
    :param flicker: of the pixels whose truth stayed since the mask before, those that changed.
    :param confidence: mean.
    """

    miou: float | None = None
    pixel_accuracy: float | None = None
    changed: float | None = None
    flicker: float | None = None
    confidence: float | None = None

    @property
    def flicker_or_changed(self) -> float | None:
        """Flicker, which may be 0; where no truth tells it, what changed."""
        return self.changed if self.flicker is None else self.flicker


class DriveCounts:
    """Counts that can be added and written down; the figures are made of them at the end.

    :param num_classes: 1..255.
    """

    def __init__(self, num_classes: int) -> None:
        self.masks = 0
        self.labeled = 0
        self.confusion = ConfusionMatrix(num_classes)
        self.timely = ConfusionMatrix(num_classes)
        self.timely_masks = 0
        self.boundaries = tuple(BoundaryScore(num_classes, width) for width in BOUNDARY_PX)
        self.calibration = Calibration()
        self.detail = DetailScore(DETAIL_PX)
        self.flicker = FlickerCounts()
        self.latencies: dict[str, LatencyHistogram] = {}

    def add_mask(self, masks: Masks, before: Masks | None) -> FrameScores:
        """Count one frame.

        :param before: the frame of the mask before; None for the first. One of another size is
            not compared.
        """
        self.masks += 1
        changed = flicker = miou = accuracy = None
        prediction, truth = masks.prediction, masks.truth
        if before is not None and before.prediction.shape == prediction.shape:
            pair = count_flicker(before.prediction, prediction, before.truth, truth)
            self.flicker += pair
            changed, flicker = pair.scores().changed, _known(pair.scores().flicker)
        if truth is not None:
            self.labeled += 1
            one = ConfusionMatrix(self.confusion.num_classes)
            one.update(truth, prediction)
            self.confusion.counts += one.counts
            scores = one.scores()
            miou, accuracy = _known(scores.miou), _known(scores.pixel_accuracy)
            for boundary in self.boundaries:
                boundary.update(truth, prediction)
            if masks.confidence is not None:
                self.calibration.update(truth, prediction, masks.confidence)
            if masks.detail is not None:
                self.detail.update(truth, masks.detail)
        confidence = None if masks.confidence is None else float(masks.confidence.mean()) / 255
        return FrameScores(miou, accuracy, changed, flicker, confidence)

    def add_timely(self, truth: NDArray[np.uint8], prediction: NDArray[np.uint8]) -> None:
        """Count a mask against the truth that was current when it arrived."""
        self.timely.update(truth, prediction)
        self.timely_masks += 1

    def add_latency(self, stage: str, duration_ms: float) -> None:
        """Count a duration of a stage."""
        self.latencies.setdefault(stage, LatencyHistogram()).add(duration_ms)

    def __add__(self, other: DriveCounts) -> DriveCounts:
        """Both drives together."""
        total = DriveCounts(self.confusion.num_classes)
        total.masks = self.masks + other.masks
        total.labeled = self.labeled + other.labeled
        total.confusion = self.confusion + other.confusion
        total.timely = self.timely + other.timely
        total.timely_masks = self.timely_masks + other.timely_masks
        both = zip(self.boundaries, other.boundaries, strict=True)
        total.boundaries = tuple(mine + others for mine, others in both)
        total.calibration = self.calibration + other.calibration
        total.detail = self.detail + other.detail
        total.flicker = self.flicker + other.flicker
        for stage in [*self.latencies, *(s for s in other.latencies if s not in self.latencies)]:
            mine, others = (c.latencies.get(stage, LatencyHistogram()) for c in (self, other))
            total.latencies[stage] = mine + others
        return total

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, the reverse of :meth:`from_dict`."""
        return {
            'masks': self.masks,
            'labeled': self.labeled,
            'timely_masks': self.timely_masks,
            'confusion': self.confusion.counts.tolist(),
            'timely': self.timely.counts.tolist(),
            'boundaries': [boundary.counts.tolist() for boundary in self.boundaries],
            'calibration': self.calibration.counts.tolist(),
            'detail': self.detail.counts.tolist(),
            'flicker': vars(self.flicker),
            'latencies': {
                stage: {'max_ms': histogram.max_ms, 'counts': _pairs(histogram)}
                for stage, histogram in self.latencies.items()
            },
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> DriveCounts:
        """Read what :meth:`to_dict` made.

        :raises InvalidArgumentError: it is not that.
        """
        try:
            counts = cls(len(fields['confusion']))
            counts.masks, counts.labeled = int(fields['masks']), int(fields['labeled'])
            counts.timely_masks = int(fields['timely_masks'])
            arrays: list[tuple[Any, Any]] = [
                (counts.confusion, fields['confusion']),
                (counts.timely, fields['timely']),
                (counts.calibration, fields['calibration']),
                (counts.detail, fields['detail']),
                *zip(counts.boundaries, fields['boundaries'], strict=True),
            ]
            for holder, values in arrays:
                holder.counts[...] = np.array(values, np.int64).reshape(holder.counts.shape)
            counts.flicker = FlickerCounts(**fields['flicker'])
            counts.latencies = {
                stage: LatencyHistogram(dict(found['counts']), found['max_ms'])
                for stage, found in fields['latencies'].items()
            }
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidArgumentError(f'these are no counts of a drive: {error!r}') from error
        return counts


def _pairs(histogram: LatencyHistogram) -> list[list[int]]:
    """Bins and counts as JSON gives them back."""
    return [list(pair) for pair in sorted(histogram.counts.items())]


def _known(share: float) -> float | None:
    """None for NaN."""
    return None if share != share else share
