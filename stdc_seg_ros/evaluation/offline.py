"""Every frame of a drive through the engine, as fast as it goes.

Three threads: one reads and decodes a few frames ahead, this one runs the engine, one scores what
comes out. Decoding and scoring cost a fraction of the engine's time, so they hide behind it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from stdc_core.engines import InferenceEngine, StageTimes
from stdc_core.errors import UserError
from stdc_core.evaluation.drive_counts import Masks
from stdc_core.timing import NOT_AVAILABLE
from stdc_seg_ros.bag.errors import BagError
from stdc_seg_ros.bag.mask_files import empty_mask_folder, write_mask
from stdc_seg_ros.diagnostics import engine_values
from stdc_seg_ros.evaluation.drive import Drive
from stdc_seg_ros.evaluation.result import DriveEvaluation, FrameRow
from stdc_seg_ros.evaluation.scorer import Scorer
from stdc_seg_ros.evaluation.truth import TruthStream
from stdc_seg_ros.image_messages import CameraFrame

AHEAD = 3  # frames that are decoded, and masks that wait for their scores
OnFrame = Callable[[int, float], None]  # frames done, engine's milliseconds of the last

T = TypeVar('T')


class _Decoded(NamedTuple):
    """A frame that was read ahead; ``frame`` is None where it could not be."""

    stamp: int
    frame: CameraFrame | None
    problem: str
    truth: NDArray[np.uint8] | None
    decode_ms: float


def evaluate_offline(
    drive: Drive,
    engine: InferenceEngine,
    output: Path,
    on_frame: OnFrame = lambda done, engine_ms: None,
) -> DriveEvaluation:
    """Run the engine over all frames and score its masks.

    :param engine: with detail where that is to be scored.
    :param output: folder that gets ``masks/STAMP.png``.
    :raises BagError: no frame can be read, or labels are wrong.
    """
    folder = empty_mask_folder(output)
    labels = engine.model.metadata.labels
    scorer = Scorer(len(labels))
    rows: deque[Future[FrameRow]] = deque()
    done: list[FrameRow] = []
    problems: list[str] = []
    engine_s = 0.0

    def score(item: _Decoded, masks: Masks, times: StageTimes) -> FrameRow:
        scores = scorer.add(item.stamp, masks)
        stages = {'decode': item.decode_ms, **vars(times)}
        for stage, duration_ms in (*stages.items(), ('engine', times.total)):
            scorer.counts.add_latency(stage, duration_ms)
        write_mask(folder, item.stamp, masks.prediction)
        labeled = masks.truth is not None
        return FrameRow(item.stamp, 'processed', labeled, scores, times.total, stages)

    start = time.perf_counter()
    with ThreadPoolExecutor(1, thread_name_prefix='scoring') as pool:
        for item in _ahead(_decoded(drive)):
            if item.frame is None:
                problems.append(f'{item.stamp}: {item.problem}')
                rejected = FrameRow(item.stamp, 'rejected', item.truth is not None)
                rows.append(pool.submit(lambda row: row, rejected))
                continue
            began = time.perf_counter()
            result = engine.infer(
                item.frame.pixels, color_order=item.frame.color_order, confidence=True
            )
            engine_s += time.perf_counter() - began
            assert result.confidence is not None
            masks = Masks(
                result.labels.copy(),
                item.truth,
                result.confidence.copy(),
                None if result.detail is None else result.detail.copy(),
            )
            rows.append(pool.submit(score, item, masks, result.stage_ms))
            while len(rows) > AHEAD:
                done.append(rows.popleft().result())
            on_frame(len(done) + len(rows), result.stage_ms.total)
        done += [row.result() for row in rows]
    seconds = time.perf_counter() - start
    if len(problems) == len(done):
        raise BagError(f'{drive.bag}: none of {len(done)} images can be read: {problems[0]}')
    notes = list(drive.notes)
    if problems:
        notes.append(f'{len(problems)} images cannot be read, the first at {problems[0]}.')
    notes += scorer.notes
    return DriveEvaluation(
        mode='offline',
        bag=drive.bag,
        topic=drive.topic,
        truth=None if drive.truth is None else drive.truth.source,
        labels=labels,
        counts=scorer.counts,
        rows=done,
        seconds=seconds,
        engine_seconds=engine_s,
        masks=folder,
        ledger={
            'images in the bag': str(len(done)),
            'frames processed': str(len(done) - len(problems)),
            'frames rejected': str(len(problems)),
            'ledger balance': '0',
        },
        stages=stage_words(scorer),
        engine={name: str(v) for name, v in engine_values(engine.info, engine.model).items()},
        notes=notes,
    )


def stage_words(scorer: Scorer) -> dict[str, tuple[str, str, str, str]]:
    """Percentiles of each stage that was counted."""
    words = {}
    for stage, histogram in scorer.counts.latencies.items():
        found = histogram.summary()
        figures = (found.p50, found.p95, found.p99, found.max) if found else ()
        p50, p95, p99, most = (f'{ms:.1f}' for ms in figures) if figures else (NOT_AVAILABLE,) * 4
        words[stage] = (p50, p95, p99, most)
    return words


def _decoded(drive: Drive) -> Iterator[_Decoded]:
    truths = None if drive.truth is None else TruthStream(drive.truth, drive.stamps)
    for stamp, message in drive.messages():
        began = time.perf_counter()
        frame, problem = None, ''
        try:
            frame = drive.decode(message)
        except UserError as error:
            problem = str(error)
        decode_ms = 1e3 * (time.perf_counter() - began)
        truth = None if truths is None else truths.take(stamp)
        yield _Decoded(stamp, frame, problem, truth, decode_ms)


def _ahead(items: Iterator[T]) -> Iterator[T]:
    """Take the items in a thread, a few before they are asked for."""
    with ThreadPoolExecutor(1, thread_name_prefix='decoding') as pool:
        waiting = deque(pool.submit(next, items, None) for _ in range(AHEAD))
        while (item := waiting.popleft().result()) is not None:
            waiting.append(pool.submit(next, items, None))
            yield item
