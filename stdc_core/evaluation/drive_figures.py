"""The figures of a drive by their names, as reports, limits and other programs know them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stdc_core.errors import InvalidArgumentError
from stdc_core.evaluation.drive_counts import BOUNDARY_PX, DriveCounts

NAN = math.nan
FIGURES: Mapping[str, str] = {
    'miou': 'mean IoU over the classes, of the whole drive',
    'pixel_accuracy': 'share of the pixels that are right',
    'mean_accuracy': 'mean over the classes of the share of their pixels that are right',
    **{f'boundary_f_{px}px': f'mean boundary F-score at {px} px' for px in BOUNDARY_PX},
    'detail_f': 'F-score of the detail map at 3 px',
    'flicker': 'share of the pixels that change class though their truth stays',
    'changed': 'share of the pixels that change class from mask to mask',
    'ece': 'expected calibration error of the confidence',
    'timely_miou': 'mIoU against the truth at the arrival of the mask',
    'timely_coverage': 'share of the masks with a truth at their arrival',
    'masks_share': 'share of the images that got a mask',
    'masks_per_s': 'masks a second',
    'p50_ms': 'median latency',
    'p95_ms': 'latency, 95 %',
    'p99_ms': 'latency, 99 %',
    'max_ms': 'longest latency',
}
"""Every figure's name and what it is; shares are 0..1, a NaN was not measured."""


def drive_figures(
    counts: DriveCounts, latency_stage: str, images: int, seconds: float
) -> dict[str, float]:
    """Make all figures; NaN for what was not measured.

    :param latency_stage: whose percentiles are the latency's.
    :param images: of the bag.
    :param seconds: that the masks took.
    """
    scores = counts.confusion.scores()
    flicker = counts.flicker.scores()
    histogram = counts.latencies.get(latency_stage)
    latency = None if histogram is None else histogram.summary()
    timely_measured = 'arrival' in counts.latencies and counts.labeled
    return {
        'miou': scores.miou,
        'pixel_accuracy': scores.pixel_accuracy,
        'mean_accuracy': scores.mean_accuracy,
        **{f'boundary_f_{b.width_px}px': b.scores().mean_f_score for b in counts.boundaries},
        'detail_f': counts.detail.scores().f_score,
        'flicker': flicker.flicker,
        'changed': flicker.changed,
        'ece': counts.calibration.scores().ece,
        'timely_miou': counts.timely.scores().miou,
        'timely_coverage': counts.timely_masks / counts.masks if timely_measured else NAN,
        'masks_share': counts.masks / images if images else NAN,
        'masks_per_s': counts.masks / seconds if seconds > 0 else NAN,
        **{
            f'{name}_ms': NAN if latency is None else float(getattr(latency, name))
            for name in ('p50', 'p95', 'p99', 'max')
        },
    }


@dataclass(frozen=True)
class Limit:
    """What a figure has to keep.

    :param figure: one of :data:`FIGURES`.
    :param value: its limit.
    :param under: fail under it (else over it).
    """

    figure: str
    value: float
    under: bool

    def failure(self, figures: Mapping[str, float]) -> str | None:
        """Say how the limit is not kept; None where it is.

        A figure that was not measured keeps no limit.
        """
        found = figures[self.figure]
        wanted = f'{"at least" if self.under else "at most"} {self.value:g}'
        if math.isnan(found):
            return f'{self.figure} was not measured, expected {wanted}'
        failed = found < self.value if self.under else found > self.value
        return f'{self.figure} is {found:.4g}, expected {wanted}' if failed else None


def parse_limits(words: Sequence[str], *, under: bool) -> list[Limit]:
    """Read ``miou=0.6`` and the like.

    :raises InvalidArgumentError: no such figure, or no number.
    """
    limits = []
    for word in words:
        name, _, text = word.partition('=')
        if name not in FIGURES:
            raise InvalidArgumentError(f"unknown figure '{name}' (known: {', '.join(FIGURES)})")
        try:
            value = float(text)
        except ValueError:
            value = NAN
        if not math.isfinite(value):
            raise InvalidArgumentError(
                f"limit '{word}' has no number, expected e.g. {name}=0.6 (shares are 0 to 1)"
            )
        limits.append(Limit(name, value, under))
    return limits
