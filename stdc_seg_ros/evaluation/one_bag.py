"""One drive from its bag to its files: report.html, frames.csv and figures.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from stdc_core.engines import open_engine
from stdc_core.model_file import ModelFile
from stdc_seg_ros.bag.mask_recorder import Seen
from stdc_seg_ros.evaluation.drive import Drive
from stdc_seg_ros.evaluation.files import FIGURES_FILE, write_csv, write_json
from stdc_seg_ros.evaluation.moments import find_moments
from stdc_seg_ros.evaluation.offline import evaluate_offline
from stdc_seg_ros.evaluation.replayed import evaluate_replay
from stdc_seg_ros.evaluation.report import figure_words, write_report
from stdc_seg_ros.evaluation.result import DriveEvaluation, Mode


@dataclass(frozen=True)
class Job:
    """How a drive is evaluated.

    :param output: folder of the files; what an earlier run left is written over.
    :param title: of the report.
    :param rate: of time in a replay.
    :param threads: of the engine, offline; as many as there are cores where None.
    :param fingerprint: kept with the figures.
    """

    mode: Mode
    output: Path
    title: str
    rate: float = 1.0
    threads: int | None = None
    fingerprint: str = ''


def evaluate_drive(
    drive: Drive, model: ModelFile, job: Job, progress: Progress
) -> DriveEvaluation:
    """Evaluate a drive and write its files; the figures last, so they say that it ended."""
    output = job.output
    output.mkdir(parents=True, exist_ok=True)
    (output / FIGURES_FILE).unlink(missing_ok=True)
    if job.mode == 'offline':
        with open_engine(model, threads=job.threads, detail=model.has_detail) as engine:
            task = progress.add_task('evaluating', total=len(drive.stamps), say='')

            def show_frames(done: int, engine_ms: float) -> None:
                say = f'{done} of {len(drive.stamps)} frames, engine {engine_ms:.0f} ms'
                progress.update(task, completed=done, say=say)

            evaluation = evaluate_offline(drive, engine, output, show_frames)
            moments = find_moments(drive, evaluation, engine)
    else:
        task = progress.add_task('starting the node', total=1.0, say='')

        def show_share(share: float, seen: Seen) -> None:
            progress.update(task, completed=share, description='replaying', say=_live(seen))

        evaluation = evaluate_replay(drive, model, output, job.rate, show_share)
        progress.update(task, description='writing the report')
        with open_engine(model, detail=model.has_detail) as engine:
            moments = find_moments(drive, evaluation, engine)
    write_report(output / 'report.html', job.title, evaluation, moments)
    write_csv(output / 'frames.csv', evaluation)
    write_json(output / FIGURES_FILE, evaluation, job.fingerprint)
    return evaluation


def progress_bar() -> Progress:
    """Make one for the terminal, on stderr: figures alone are on stdout."""
    console = Console(stderr=True)
    return Progress(
        TextColumn('{task.description:18}'), BarColumn(24), TimeRemainingColumn(),
        TextColumn('{task.fields[say]}'), console=console, disable=not console.is_terminal,
    )  # fmt: skip


def summary(evaluation: DriveEvaluation) -> str:
    """Say the figures in a few lines."""
    counts, figures, engine = evaluation.counts, evaluation.figures, evaluation.engine
    words = {name: figure_words(name, value) for name, value in figures.items()}
    lines = [
        f'engine:  {engine.get("backend")}, {engine.get("precision")}, '
        f'{engine.get("threads")} threads',
        f'masks:   {counts.masks} of {len(evaluation.rows)} images in {evaluation.seconds:.1f} s',
        f'ledger:  {_ledger(evaluation.ledger)}',
        f'latency: p50 {words["p50_ms"]}, p95 {words["p95_ms"]}, p99 {words["p99_ms"]}, max '
        f'{words["max_ms"]}',
    ]
    if evaluation.engine_seconds:
        times = evaluation.seconds / evaluation.engine_seconds
        lines.append(
            f"cost:    {times:.2f} times the engine's own {evaluation.engine_seconds:.1f} s"
        )
    if counts.labeled:
        lines.append(
            f'mIoU:    {words["miou"]} on {counts.labeled} masks, pixel accuracy '
            f'{words["pixel_accuracy"]}, flicker {words["flicker"]}'
        )
    else:
        lines.append(f'change:  {words["changed"]} of the pixels from mask to mask; no labels')
    if evaluation.mode == 'replay' and counts.labeled:
        lines.append(
            f'timely:  mIoU {words["timely_miou"]}, of {words["timely_coverage"]} of the masks'
        )
    return '\n'.join([*lines, *(f'note:    {note}' for note in evaluation.notes)])


def _ledger(ledger: Mapping[str, str]) -> str:
    (whole, count), *parts = [(n.removeprefix('frames '), c) for n, c in ledger.items()]
    shown = ' + '.join(f'{name} {number}' for name, number in parts if name != 'ledger balance')
    return f'{whole} {count} = {shown}'


def _live(seen: Seen) -> str:
    if seen.mask_rate is None or seen.image_rate is None or seen.latency is None:
        return f'{seen.masks} masks of {seen.images} images'
    return (
        f'{seen.mask_rate:.1f} masks/s of {seen.image_rate:.1f} images/s, '
        f'latency p50 {seen.latency.p50:.0f} ms, p95 {seen.latency.p95:.0f} ms'
    )
