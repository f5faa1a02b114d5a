"""A drive through the running node over real topics, and the scores of the masks that came."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from stdc_core.evaluation.drive_counts import Masks
from stdc_core.evaluation.timely import current_truths, frame_period_ns
from stdc_core.model_file import ModelFile
from stdc_core.timing import NOT_AVAILABLE
from stdc_seg_ros.bag.mask_files import read_mask
from stdc_seg_ros.bag.mask_recorder import Seen
from stdc_seg_ros.bag.replay import ReplayConfig, ReplayResult, replay
from stdc_seg_ros.evaluation.drive import Drive
from stdc_seg_ros.evaluation.offline import stage_words
from stdc_seg_ros.evaluation.result import DriveEvaluation, FrameRow
from stdc_seg_ros.evaluation.scorer import Scorer
from stdc_seg_ros.evaluation.truth import TruthStream

CLOCK_HZ = 100.0
LEDGER = (
    'frames published',
    'frames processed',
    'frames replaced',
    'frames rejected',
    'frames failed',
    'frames lost',
    'frames in flight',
    'ledger balance',
)
NODE_STAGES = ('transport', 'wait', 'decode', 'resize', 'network', 'tail', 'publish_mask', 'whole')


def evaluate_replay(
    drive: Drive,
    model: ModelFile,
    output: Path,
    rate: float = 1.0,
    on_progress: Callable[[float, Seen], None] = lambda share, seen: None,
) -> DriveEvaluation:
    """Play the bag through the node, with /clock, and score the masks that came.

    Detail and confidence are not scored: nobody subscribes to them, so that the node is measured
    at the work it is there for. They are the model's, and offline evaluation has them.

    :param output: folder that gets ``masks/STAMP.png`` and the logs of player and node.
    :param rate: of time: 2 plays twice as fast.
    :param on_progress: called a few times a second with the share of the bag that is played.
    :raises BagError: the bag, or labels are wrong.
    :raises ChildProcessError: player or node ended; with what they said.
    """
    parameters = {'model': str(model.path.resolve())}
    config = ReplayConfig(drive.bag, output, drive.topic, rate, parameters, CLOCK_HZ)
    result = replay(config, on_progress)
    labels = model.metadata.labels
    scorer = Scorer(len(labels))
    latencies_ms = {stamp: ms for stamp, ms in result.latencies_ms.items() if ms >= 0}
    current = _current_truths(drive, latencies_ms, rate)
    truths = None if drive.truth is None else TruthStream(drive.truth, drive.stamps)
    rows = []
    for stamp in sorted(drive.stamps):
        truth = None if truths is None else truths.take(stamp)
        mask = read_mask(result.masks, stamp)
        if mask is None:
            rows.append(FrameRow(stamp, 'no mask', truth is not None))
            continue
        scores = scorer.add(stamp, Masks(mask, truth))
        latency_ms = latencies_ms.get(stamp)
        if latency_ms is not None:
            scorer.counts.add_latency('arrival', latency_ms)
        rows.append(
            FrameRow(
                stamp, 'processed', truth is not None, scores, latency_ms, {}, current.get(stamp)
            )
        )
    _score_timely(drive, scorer, result.masks, current)
    camera = result.camera
    notes = [*drive.notes, *scorer.notes, *_ledger_notes(camera.get('ledger balance'))]
    if unknown := len(result.latencies_ms) - len(latencies_ms):
        notes.append(
            f"{unknown} latencies are not known: the system's clock was put back meanwhile."
        )
    return DriveEvaluation(
        mode='replay',
        bag=drive.bag,
        topic=drive.topic,
        truth=None if drive.truth is None else drive.truth.source,
        labels=labels,
        counts=scorer.counts,
        rows=rows,
        seconds=result.seconds,
        engine_seconds=None,
        masks=result.masks,
        ledger={name: camera.get(name, NOT_AVAILABLE) for name in LEDGER},
        stages={**stage_words(scorer), **_node_stages(result)},
        engine=result.engine,
        notes=notes,
        rate=rate,
    )


def _current_truths(
    drive: Drive, latencies_ms: Mapping[int, float], rate: float
) -> dict[int, int]:
    """Which truth is current when each mask arrives.

    While a mask is made the bag goes on by its latency times the rate.
    """
    period_ns = frame_period_ns(sorted(drive.stamps))
    if drive.truth is None or period_ns is None:
        return {}
    arrivals = {stamp: stamp + 1e6 * ms * rate for stamp, ms in latencies_ms.items()}
    return current_truths(arrivals, drive.truth.stamps, period_ns)


def _score_timely(drive: Drive, scorer: Scorer, masks: Path, current: dict[int, int]) -> None:
    if drive.truth is None:
        return
    late: dict[int, list[int]] = {}
    for stamp, truth_stamp in current.items():
        late.setdefault(truth_stamp, []).append(stamp)
    for truth_stamp, truth in drive.truth.read(sorted(late)):
        for stamp in late[truth_stamp]:
            mask = read_mask(masks, stamp)
            if mask is not None and mask.shape == truth.shape:
                scorer.counts.add_timely(truth, mask)


def _node_stages(result: ReplayResult) -> dict[str, tuple[str, str, str, str]]:
    stages = {}
    for stage in NODE_STAGES:
        p50, p95, p99, most = (
            result.camera.get(f'{stage} {figure} (ms)', NOT_AVAILABLE)
            for figure in ('p50', 'p95', 'p99', 'max')
        )
        stages[stage] = (p50, p95, p99, most)
    return stages


def _ledger_notes(balance: str | None) -> Sequence[str]:
    if balance is None:
        return ['The node sent no diagnostics, so its ledger is not known.']
    return [] if balance == '0' else [f'{balance} frames are unaccounted for.']
