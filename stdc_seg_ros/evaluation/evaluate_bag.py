"""``evaluate_bag``: how good, how fast and how honest the masks of a recorded drive are."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Annotated

import tyro
from rich.progress import Progress

from stdc_core.errors import InvalidArgumentError, UserError
from stdc_core.evaluation.drive_figures import Limit, parse_limits
from stdc_core.model_file import read_model_file
from stdc_seg_ros.bag.errors import BagError
from stdc_seg_ros.default_model import find_default_model
from stdc_seg_ros.evaluation.drive import DriveChoice, open_drive
from stdc_seg_ros.evaluation.many_bags import (
    BagResult,
    find_bags,
    fingerprint,
    overview_lines,
    read_result,
    write_overview,
)
from stdc_seg_ros.evaluation.one_bag import Job, evaluate_drive, progress_bar, summary
from stdc_seg_ros.evaluation.result import Mode
from stdc_seg_ros.evaluation.result_bag import write_result_bag
from stdc_seg_ros.evaluation.workers import Submit, engine_threads, open_workers

LIMIT_FAILED = 3  # exit code


def evaluate_bag(
    bags: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar='BAG ...')],
    offline: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    replay: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    output: Path = Path('evaluation'),
    topic: Annotated[str | None, tyro.conf.arg(metavar='NAME')] = None,
    label_topic: Annotated[str | None, tyro.conf.arg(metavar='NAME')] = None,
    labels: Annotated[Path | None, tyro.conf.arg(metavar='FOLDER')] = None,
    model: Annotated[Path | None, tyro.conf.arg(metavar='FILE')] = None,
    rate: float = 1.0,
    processes: int = 1,
    cluster: Annotated[str | None, tyro.conf.arg(metavar='HOST:PORT')] = None,
    write_bag: Annotated[Path | None, tyro.conf.arg(metavar='FOLDER')] = None,
    fail_under: Annotated[tuple[str, ...], tyro.conf.arg(metavar='FIGURE=LIMIT ...')] = (),
    fail_over: Annotated[tuple[str, ...], tyro.conf.arg(metavar='FIGURE=LIMIT ...')] = (),
) -> int:
    """Evaluate a model on recorded drives and write a report about them.

    Exit code 0, 1 for an error, 2 for wrong usage, 3 where a limit is not kept.

    :param bags: rosbag2s, their folders or files, or a folder with several. Of several each has a
        folder of its name in the output; those that are done already are not done again.
    :param offline: every frame through the engine, as fast as it goes.
    :param replay: played through the running node over real topics, with /clock.
    :param output: folder for report.html, figures.json, frames.csv and the masks.
    :param topic: with the images, where the bag has several.
    :param label_topic: with the labels, ids or colours; /camera/labels where it has that.
    :param labels: folder of label PNGs named by stamp, instead of a topic.
    :param model: model file; the one of the package where not given.
    :param rate: of time in a replay: 2 plays twice as fast.
    :param processes: bags at a time, offline.
    :param cluster: Ray cluster that evaluates the bags instead, offline, one a core; auto for the
        one of this machine. All its machines see bags, model and output under the same names.
    :param write_bag: new bag for masks, overlays and diagnostics, with the original stamps.
    :param fail_under: figures and the values they must reach, e.g. miou=0.6.
    :param fail_over: figures and the values they must not exceed, e.g. p95_ms=60.
    """
    if offline == replay:
        raise InvalidArgumentError('expected either --offline or --replay')
    if label_topic is not None and labels is not None:
        raise InvalidArgumentError('expected --label-topic or --labels, not both')
    if write_bag is not None and write_bag.exists():
        raise BagError(f'{write_bag} is there already: name another, or remove it')
    if output.exists() and not output.is_dir():
        raise BagError(f'{output} is a file, expected a folder, there already or not')
    if processes < 1 or (replay and processes > 1):
        raise InvalidArgumentError(f'processes is {processes}, expected 1 (offline: or more)')
    if cluster is not None and (replay or processes > 1):
        raise InvalidArgumentError('--cluster is for --offline, and without --processes')
    limits = [*parse_limits(fail_under, under=True), *parse_limits(fail_over, under=False)]
    model = (model or find_default_model()).resolve()
    mode: Mode = 'offline' if offline else 'replay'
    found = find_bags(bags)
    choices = [DriveChoice(bag, topic, label_topic, labels) for bag in found]
    if found == list(bags) and len(found) == 1 and cluster is None:
        title = f'{"Evaluation" if offline else "Replay"} of {found[0].name}'
        job = Job(mode, output, title, rate)
        return check_limits(limits, _one(choices[0], model, job, write_bag))
    if write_bag is not None:
        raise InvalidArgumentError('--write-bag is for one bag, not for several or a cluster')
    threads = engine_threads(processes, cluster)
    jobs = [_job(choice, model, mode, output, rate, threads) for choice in choices]
    workers = partial(open_workers, model, processes, cluster)
    return _many(choices, jobs, workers, output, limits)


def _one(
    choice: DriveChoice, model: Path, job: Job, write_bag: Path | None
) -> Mapping[str, float]:
    model_file = read_model_file(model)
    drive = open_drive(choice, model_file.metadata.labels)
    with progress_bar() as progress:
        evaluation = evaluate_drive(drive, model_file, job, progress)
        if write_bag is not None:
            task = progress.add_task('writing the bag', total=evaluation.counts.masks, say='')
            write_result_bag(write_bag, drive, evaluation, lambda: progress.advance(task))
    print(summary(evaluation))
    print(f'report:  {job.output / "report.html"}')
    return evaluation.figures


def _job(
    choice: DriveChoice, model: Path, mode: Mode, output: Path, rate: float, threads: int | None
) -> Job:
    if not choice.bag.exists():
        raise BagError(f'there is no bag {choice.bag}')
    facts = {**vars(choice), 'mode': mode, 'rate': rate, 'model': read_model_file(model).sha256}
    name = choice.bag.name
    mark = fingerprint(choice.bag, facts)
    return Job(mode, output / name, f'Evaluation of {name}', rate, threads, mark)


def _many(
    choices: Sequence[DriveChoice],
    jobs: Sequence[Job],
    workers: Callable[[Progress], AbstractContextManager[Submit]],
    output: Path,
    limits: Sequence[Limit],
) -> int:
    """Evaluate what is not done, and sum up; a bag that fails does not stop the others."""
    output.mkdir(parents=True, exist_ok=True)
    todo = [(c, j) for c, j in zip(choices, jobs, strict=True) if _done(j) is None]
    failures = _evaluate(todo, len(jobs), workers) if todo else []
    results = [result for job in jobs if (result := _done(job)) is not None]
    for failure in failures:
        print(f'evaluate_bag: {failure}', file=sys.stderr)
    if not results:
        return 1
    figures = write_overview(output, results)
    print('\n'.join(overview_lines(results, figures)))
    print(f'bags:    {len(results)} of {len(jobs)}, {len(jobs) - len(todo)} were done already')
    print(f'report:  {output / "report.html"}')
    code = check_limits(limits, figures)
    return 1 if failures else code


def _evaluate(
    todo: Sequence[tuple[DriveChoice, Job]],
    total: int,
    workers: Callable[[Progress], AbstractContextManager[Submit]],
) -> list[str]:
    """Say what went wrong with which bag."""
    failures = []
    with progress_bar() as progress:
        task = progress.add_task('bags', total=total, completed=total - len(todo), say='')
        with workers(progress) as submit:
            waiting = [(choice.bag, job, submit(choice, job)) for choice, job in todo]
            for bag, job, result in waiting:
                try:
                    result()
                    if _done(job) is None:
                        raise BagError(
                            f'no figures came to {job.output}, expected a folder that all '
                            'machines of the cluster see'
                        )
                except (UserError, OSError) as error:
                    failures.append(str(error) if str(bag) in str(error) else f'{bag}: {error}')
                progress.advance(task)
    return failures


def _done(job: Job) -> BagResult | None:
    """Read what this very evaluation left; None where it is to be done."""
    result = read_result(job.output)
    return result if result and result.fields.get('fingerprint') == job.fingerprint else None


def check_limits(limits: Sequence[Limit], figures: Mapping[str, float]) -> int:
    """Say which limits are not kept.

    :return: the exit code.
    """
    failures = [failure for limit in limits if (failure := limit.failure(figures))]
    for failure in failures:
        print(f'evaluate_bag: {failure}', file=sys.stderr)
    return LIMIT_FAILED if failures else 0
