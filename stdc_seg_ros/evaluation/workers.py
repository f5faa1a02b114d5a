"""Where the bags of one run are evaluated: in this process, in several, or over a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.progress import Progress

from stdc_core.model_file import read_model_file
from stdc_seg_ros.evaluation.cluster import CORES, Cluster
from stdc_seg_ros.evaluation.drive import DriveChoice, open_drive
from stdc_seg_ros.evaluation.one_bag import Job, evaluate_drive
from stdc_seg_ros.processes.worker_processes import WorkerError, WorkerProcesses

Submit = Callable[[DriveChoice, Job], Callable[[], None]]
"""Has a bag evaluated; what it gives waits for that, and raises what went wrong."""


def engine_threads(processes: int, cluster: str | None) -> int | None:
    """Threads of each engine, such that all together have the cores; None for all of them."""
    if cluster is not None:
        return CORES
    return max(1, len(os.sched_getaffinity(0)) // processes) if processes > 1 else None


@contextmanager
def open_workers(
    model: Path, processes: int, cluster: str | None, progress: Progress
) -> Iterator[Submit]:
    """Open what evaluates bags.

    :param model: file, with an absolute path.
    :param processes: bags at a time; 1 evaluates in this process, when the end is waited for.
    :param cluster: address of a Ray cluster that evaluates instead.
    :param progress: shows frames where this process evaluates.
    :raises ClusterError: the cluster is not there.
    """
    if cluster is not None:
        with Cluster(cluster) as machines:
            yield lambda choice, job: machines.submit(
                _evaluate, _everywhere(choice), model, replace(job, output=job.output.absolute())
            )
    elif processes > 1:
        with WorkerProcesses(processes) as workers:
            yield lambda choice, job: partial(_wait, workers.submit(_evaluate, choice, model, job))
    else:
        yield lambda choice, job: partial(_evaluate, choice, model, job, progress)


def _evaluate(
    choice: DriveChoice, model: Path, job: Job, progress: Progress | None = None
) -> None:
    model_file = read_model_file(model)
    drive = open_drive(choice, model_file.metadata.labels)
    evaluate_drive(drive, model_file, job, progress or Progress(disable=True))


def _wait(result: Callable[[], None]) -> None:
    try:
        result()
    except WorkerError as error:
        raise WorkerError(f'{error}: run the same again, what is done is kept') from error


def _everywhere(choice: DriveChoice) -> DriveChoice:
    """Name the files so that other machines find them."""
    folder = choice.label_folder
    return replace(
        choice,
        bag=choice.bag.absolute(),
        label_folder=None if folder is None else folder.absolute(),
    )
