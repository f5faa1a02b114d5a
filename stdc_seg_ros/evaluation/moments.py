"""Which frames of a drive are worth a look, and their pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.engines import InferenceEngine
from stdc_core.labels import UNLABELED, LabelSet
from stdc_seg_ros.bag.mask_files import read_mask
from stdc_seg_ros.evaluation.drive import Drive
from stdc_seg_ros.evaluation.result import DriveEvaluation, FrameRow

WORST, BEST, FLICKER, ALONG = 4, 3, 3, 4
APART_S = 1.0  # frames nearer than this show the same
WRONG_RGB, CHANGED_RGB = (214, 39, 40), (255, 196, 0)

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Moment:
    """A frame with pictures of what is known about it, by name; uint8 RGB of the frame's size."""

    row: FrameRow
    at_s: float
    pictures: dict[str, Picture]
    agreement: float | None = None  # of the mask with the engine run without ROS, along the drive


@dataclass(frozen=True)
class Moments:
    """The frames of a report; empty where there are none, as without labels."""

    worst: Sequence[Moment]
    best: Sequence[Moment]
    flicker: Sequence[Moment]
    along: Sequence[Moment]


def pick(
    rows: Sequence[FrameRow], score: Callable[[FrameRow], float | None], count: int
) -> list[FrameRow]:
    """Take the rows of the highest score, each at least a second from those before."""
    scored = [(value, row) for row in rows if (value := score(row)) is not None]
    chosen: list[FrameRow] = []
    for _, row in sorted(scored, key=lambda pair: -pair[0]):
        if all(abs(row.stamp_ns - other.stamp_ns) >= APART_S * 1e9 for other in chosen):
            chosen.append(row)
        if len(chosen) == count:
            break
    return chosen


def find_moments(
    drive: Drive,
    evaluation: DriveEvaluation,
    engine: InferenceEngine,
) -> Moments:
    """Choose frames and read their pictures from the bag.

    :param engine: of the model that made the masks; run on the frames along the drive for their
        detail and confidence, and to compare its masks with those that came.
    """
    rows = [row for row in evaluation.rows if row.outcome == 'processed']
    worst = pick(rows, lambda row: _negative(row.scores.miou), WORST)
    best = [
        row for row in pick(rows, lambda row: row.scores.miou, BEST + WORST) if row not in worst
    ][:BEST]
    flicker = pick(rows, lambda row: row.scores.flicker_or_changed, FLICKER)
    places = np.linspace(0, len(rows) - 1, min(ALONG, len(rows)) + 2).round().astype(int)
    along = [rows[place] for place in dict.fromkeys(places[1:-1].tolist())]
    reader = _MomentReader(drive, evaluation, engine)
    reader.read({row.stamp_ns for row in (*worst, *best, *flicker, *along)})
    before = {row.stamp_ns: rows[place - 1].stamp_ns for place, row in enumerate(rows) if place}
    return Moments(
        [reader.compared(row) for row in worst],
        [reader.compared(row) for row in best],
        [reader.flickering(row, before[row.stamp_ns]) for row in flicker],
        [reader.whole(row) for row in along],
    )


def difference(truth: Picture, mask: Picture) -> Picture:
    """Draw what is wrong in red, what is right in light grey, what does not count in white."""
    picture = np.full((*mask.shape, 3), 225, np.uint8)
    picture[truth == UNLABELED] = 255
    picture[(truth != mask) & (truth != UNLABELED)] = WRONG_RGB
    return picture


class _MomentReader:
    """Holds the frames and the truths of the chosen stamps."""

    def __init__(
        self,
        drive: Drive,
        evaluation: DriveEvaluation,
        engine: InferenceEngine,
    ) -> None:
        self._drive, self._evaluation, self._engine = drive, evaluation, engine
        self._labels: LabelSet = evaluation.labels
        self._frames: dict[int, Picture] = {}
        self._truths: dict[int, Picture] = {}

    def read(self, stamps: set[int]) -> None:
        for stamp, message in self._drive.messages(stamps):
            frame = self._drive.decode(message)
            rgb = frame.pixels if frame.color_order == 'rgb' else frame.pixels[..., ::-1]
            self._frames[stamp] = np.ascontiguousarray(rgb)
        if self._drive.truth is not None:
            self._truths = dict(self._drive.truth.read(sorted(stamps)))

    def compared(self, row: FrameRow) -> Moment:
        """Image, truth, prediction and what differs."""
        stamp = row.stamp_ns
        frame, truth, mask = self._frames[stamp], self._truths[stamp], self._mask(stamp)
        return self._moment(
            row,
            {
                'image': frame,
                'truth': self._labels.colorize(truth),
                'prediction': self._labels.colorize(mask),
                'difference (red: wrong)': difference(truth, mask),
            },
        )

    def flickering(self, row: FrameRow, before: int) -> Moment:
        """Both masks and what changed between them."""
        frame, mask = self._frames[row.stamp_ns], self._mask(row.stamp_ns)
        earlier = self._mask(before)
        changed = cv2.cvtColor(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        changed[mask != earlier] = CHANGED_RGB
        return self._moment(
            row,
            {
                'image': frame,
                'mask before': self._labels.colorize(earlier),
                'mask': self._labels.colorize(mask),
                'changed (yellow)': changed,  # type: ignore[dict-item]
            },
        )

    def whole(self, row: FrameRow) -> Moment:
        """Everything that the model makes of a frame."""
        stamp = row.stamp_ns
        frame, mask = self._frames[stamp], self._mask(stamp)
        result = self._engine.infer(frame, color_order='rgb', confidence=True)
        assert result.confidence is not None
        pictures = {'image': frame}
        if (truth := self._truths.get(stamp)) is not None:
            pictures['truth'] = self._labels.colorize(truth)
        pictures['mask over the image'] = self._labels.overlay(frame, mask, 0.6)
        if result.detail is not None:
            pictures['detail (boundaries)'] = cv2.merge([result.detail] * 3)  # type: ignore[assignment]
        pictures['confidence'] = cv2.merge([result.confidence] * 3)  # type: ignore[assignment]
        return self._moment(row, pictures, float((result.labels == mask).mean()))

    def _moment(
        self, row: FrameRow, pictures: dict[str, Picture], agreement: float | None = None
    ) -> Moment:
        at_s = (row.stamp_ns - self._evaluation.rows[0].stamp_ns) / 1e9
        return Moment(row, at_s, pictures, agreement)

    def _mask(self, stamp: int) -> Picture:
        mask = read_mask(self._evaluation.masks, stamp)
        assert mask is not None
        return mask


def _negative(value: float | None) -> float | None:
    return None if value is None else -value
