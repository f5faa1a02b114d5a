"""What an evaluation of a drive gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from stdc_core.evaluation.drive_counts import DriveCounts, FrameScores
from stdc_core.evaluation.drive_figures import drive_figures
from stdc_core.labels import LabelSet

Mode = Literal['offline', 'replay']
Outcome = Literal['processed', 'rejected', 'no mask']
NO_SCORES = FrameScores()
LATENCY_STAGE: Mapping[Mode, str] = {'offline': 'engine', 'replay': 'arrival'}


@dataclass(frozen=True)
class FrameRow:
    """One image of the bag and what became of it.

    :param outcome: ``rejected``: no image that can be read; ``no mask``: the node published none.
    :param labeled: whether it has truth.
    :param latency_ms: offline of the engine, in replay from the image's publication to the
        mask's arrival; None without a mask.
    :param stages_ms: by stage, where they are known for each frame.
    :param timely_stamp_ns: of the truth that was current when the mask arrived.
    """

    stamp_ns: int
    outcome: Outcome
    labeled: bool
    scores: FrameScores = NO_SCORES
    latency_ms: float | None = None
    stages_ms: Mapping[str, float] = field(default_factory=dict)
    timely_stamp_ns: int | None = None


@dataclass(frozen=True)
class DriveEvaluation:
    """Everything that is known of a drive afterwards.

    :param truth: where the labels are from; None without.
    :param seconds: the masks took.
    :param engine_seconds: of these, the engine's own; None where nobody measured it.
    :param masks: folder of the masks, ``STAMP.png``.
    :param ledger: what became of the frames, by the node's (or our own) words.
    :param stages: milliseconds of each stage: p50, p95, p99, max, as words.
    :param engine: what ran, by name.
    :param notes: what a reader of the figures has to know.
    :param rate: of time in a replay.
    """

    mode: Mode
    bag: Path
    topic: str
    truth: str | None
    labels: LabelSet
    counts: DriveCounts
    rows: Sequence[FrameRow]
    seconds: float
    engine_seconds: float | None
    masks: Path
    ledger: Mapping[str, str]
    stages: Mapping[str, tuple[str, str, str, str]]
    engine: Mapping[str, str]
    notes: Sequence[str]
    rate: float = 1.0

    @property
    def figures(self) -> dict[str, float]:
        """All figures by name."""
        stage = LATENCY_STAGE[self.mode]
        return drive_figures(self.counts, stage, len(self.rows), self.seconds)
