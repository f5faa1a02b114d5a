"""``evaluate_bag``: how good, how fast and how honest the masks of a recorded drive are."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from stdc_core.engines import open_engine
from stdc_core.errors import InvalidArgumentError
from stdc_core.evaluation.drive_figures import Limit, parse_limits
from stdc_core.model_file import ModelFile, read_model_file
from stdc_seg_ros.bag.mask_recorder import Seen
from stdc_seg_ros.default_model import find_default_model
from stdc_seg_ros.evaluation.drive import Drive, DriveChoice, open_drive
from stdc_seg_ros.evaluation.files import write_csv, write_json
from stdc_seg_ros.evaluation.moments import find_moments
from stdc_seg_ros.evaluation.offline import evaluate_offline
from stdc_seg_ros.evaluation.replayed import evaluate_replay
from stdc_seg_ros.evaluation.report import figure_words, write_report
from stdc_seg_ros.evaluation.result import DriveEvaluation

LIMIT_FAILED = 3  # exit code


def evaluate_bag(
    bag: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar='BAG')],
    offline: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    replay: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    output: Path = Path('evaluation'),
    topic: Annotated[str | None, tyro.conf.arg(metavar='NAME')] = None,
    label_topic: Annotated[str | None, tyro.conf.arg(metavar='NAME')] = None,
    labels: Annotated[Path | None, tyro.conf.arg(metavar='FOLDER')] = None,
    model: Annotated[Path | None, tyro.conf.arg(metavar='FILE')] = None,
    rate: float = 1.0,
    fail_under: Annotated[tuple[str, ...], tyro.conf.arg(metavar='FIGURE=LIMIT ...')] = (),
    fail_over: Annotated[tuple[str, ...], tyro.conf.arg(metavar='FIGURE=LIMIT ...')] = (),
) -> int:
    """Evaluate a model on a recorded drive and write a report about it.

    Exit code 0, 1 for an error, 2 for wrong usage, 3 where a limit is not kept.

    :param bag: a rosbag2, its folder or a file of it.
    :param offline: every frame through the engine, as fast as it goes.
    :param replay: played through the running node over real topics, with /clock.
    :param output: folder for report.html, figures.json, frames.csv and the masks.
    :param topic: with the images, where the bag has several.
    :param label_topic: with the labels, ids or colours; /camera/labels where it has that.
    :param labels: folder of label PNGs named by stamp, instead of a topic.
    :param model: model file; the one of the package where not given.
    :param rate: of time in a replay: 2 plays twice as fast.
    :param fail_under: figures and the values they must reach, e.g. miou=0.6.
    :param fail_over: figures and the values they must not exceed, e.g. p95_ms=60.
    """
    if offline == replay:
        raise InvalidArgumentError('expected either --offline or --replay')
    if label_topic is not None and labels is not None:
        raise InvalidArgumentError('expected --label-topic or --labels, not both')
    limits = [*parse_limits(fail_under, under=True), *parse_limits(fail_over, under=False)]
    model_file = read_model_file((model or find_default_model()).resolve())
    drive = open_drive(DriveChoice(bag, topic, label_topic, labels), model_file.metadata.labels)
    output.mkdir(parents=True, exist_ok=True)
    with progress_bar() as progress:
        if offline:
            title = f'Evaluation of {bag.name}'
            evaluation = offline_with_report(drive, model_file, output, title, progress)
        else:
            title = f'Replay of {bag.name}'
            evaluation = replay_with_report(drive, model_file, output, title, rate, progress)
    print(summary(evaluation))
    print(f'report:  {output / "report.html"}')
    return check_limits(limits, evaluation.figures)


def offline_with_report(
    drive: Drive, model: ModelFile, output: Path, title: str, progress: Progress
) -> DriveEvaluation:
    """Run the engine over all frames, and write the files."""
    task = progress.add_task('opening the engine', total=len(drive.stamps), say='')

    def show(done: int, engine_ms: float) -> None:
        say = f'{done} of {len(drive.stamps)} frames, engine {engine_ms:.0f} ms'
        progress.update(task, completed=done, description='evaluating', say=say)

    with open_engine(model, detail=model.has_detail) as engine:
        evaluation = evaluate_offline(drive, engine, output, show)
        moments = find_moments(drive, evaluation, engine)
    write_report(output / 'report.html', title, evaluation, moments)
    _write_tables(output, evaluation)
    return evaluation


def replay_with_report(
    drive: Drive, model: ModelFile, output: Path, title: str, rate: float, progress: Progress
) -> DriveEvaluation:
    """Play the drive through the node, and write the files."""
    task = progress.add_task('starting the node', total=1.0, say='')

    def show(share: float, seen: Seen) -> None:
        progress.update(task, completed=share, description='replaying', say=_live(seen))

    evaluation = evaluate_replay(drive, model, output, rate, show)
    progress.update(task, description='writing the report')
    with open_engine(model, detail=model.has_detail) as engine:
        moments = find_moments(drive, evaluation, engine)
    write_report(output / 'report.html', title, evaluation, moments)
    _write_tables(output, evaluation)
    return evaluation


def progress_bar() -> Progress:
    """Make one for the terminal; on stderr, so that figures alone are on stdout."""
    return Progress(
        TextColumn('{task.description:18}'), BarColumn(24), TimeRemainingColumn(),
        TextColumn('{task.fields[say]}'), console=Console(stderr=True),
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


def check_limits(limits: Sequence[Limit], figures: Mapping[str, float]) -> int:
    """Say which limits are not kept.

    :return: the exit code.
    """
    failures = [failure for limit in limits if (failure := limit.failure(figures))]
    for failure in failures:
        print(f'evaluate_bag: {failure}', file=sys.stderr)
    return LIMIT_FAILED if failures else 0


def _write_tables(output: Path, evaluation: DriveEvaluation) -> None:
    write_json(output / 'figures.json', evaluation)
    write_csv(output / 'frames.csv', evaluation)


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
