"""Train a segmentation network: ``python training/train_segmentation.py --help``.

Several processes: ``torchrun --nproc-per-node 2 training/train_segmentation.py ...``.
"""

from __future__ import annotations

import dataclasses
import math
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

# Huge pages for tensors on the CPU; torch looks at this when it is imported.
os.environ.setdefault('THP_MEM_ALLOC_ENABLE', '1')

import rich
import torch
import tyro

from stdc_core.command_line.run_command import run_command
from stdc_core.memory import keep_freed_memory
from stdc_core.training.datasets import (
    DatasetSplit,
    Layout,
    SegmentationDataset,
    check_dataset,
    open_dataset,
)
from stdc_core.training.image_store import ImageStore
from stdc_core.training.processes import Processes, join_processes
from stdc_core.training.progress import training_progress
from stdc_core.training.recipe import PRESETS, SegmentationRecipe, check_range
from stdc_core.training.run_folder import RunError, RunFolder
from stdc_core.training.segmentation import start_segmentation
from stdc_core.training.stop_request import StopRequest
from stdc_core.training.trainer import run_training

DESCRIPTION = """Train a segmentation network by one of these recipes; every value can be changed.

Ctrl-C ends the training after the iteration at hand; --resume goes on with it."""


@dataclass(frozen=True)
class Arguments:
    """One training.

    :param dataset: folder or YAML file of the data set (docs/datasets.md).
    :param output: folder for checkpoints, figures and pictures.
    :param recipe: what decides the weights.
    :param layout: of the data set.
    :param train_split: what is trained on.
    :param val_split: what is evaluated on.
    :param extra: another data set of the same classes whose training split is trained on, too,
        e.g. rendered streets (training/render_streets.py).
    :param extra_share: of the images that are trained on.
    :param leave_out: sequences (drives, cities) to leave out of the training; they are evaluated
        on instead of the validation split.
    :param resume: go on with the run in the output folder.
    :param weights: checkpoint to start from, of this package or the authors', segmentation or
        classifier; heads of other classes or another width stay random.
    :param device: auto takes CUDA where there is one.
    :param threads: of torch on the CPU; all cores where not given.
    :param deterministic: the same weights from the same run on a GPU too, and slower.
    :param keep_gib: memory for images that are read once.
    :param readers: threads that read the others.
    """

    dataset: Annotated[Path, tyro.conf.arg(metavar='PATH')]
    output: Annotated[Path, tyro.conf.arg(metavar='DIR')]
    recipe: tyro.conf.OmitArgPrefixes[SegmentationRecipe]
    layout: Layout = 'auto'
    train_split: str = 'train'
    val_split: str = 'val'
    extra: Annotated[Path | None, tyro.conf.arg(metavar='PATH')] = None
    extra_share: float = 0.35
    leave_out: tuple[str, ...] = ()
    resume: bool = False
    weights: Annotated[Path | None, tyro.conf.arg(metavar='FILE')] = None
    device: str = 'auto'
    threads: Annotated[int | None, tyro.conf.arg(metavar='INT')] = None
    deterministic: bool = False
    keep_gib: float = 2.0
    readers: int = 2


def train(arguments: Arguments) -> int:
    """Train to the end, or until a signal.

    :return: 0, or 128 and the number of the signal that ended it.
    """
    keep_freed_memory()
    if arguments.threads is not None:
        check_range('threads', arguments.threads, least=1)
        torch.set_num_threads(arguments.threads)
    check_range('readers', arguments.readers, least=1)
    torch.use_deterministic_algorithms(arguments.deterministic)
    recipe = arguments.recipe
    with join_processes(arguments.device) as processes:
        train_split, val_split = _open_splits(arguments, processes)
        with (
            RunFolder(
                arguments.output,
                _facts(arguments),
                resume=arguments.resume,
                write=processes.first,
            ) as folder,
            ImageStore(
                train_split,
                processes.device,
                int(arguments.keep_gib * 2**30),
                arguments.readers,
            ) as store,
            StopRequest() as stop,
        ):
            weights = None if arguments.resume else arguments.weights  # its state has all
            training = start_segmentation(recipe, store, val_split, folder, processes, weights)
            trainer = training.trainer
            if arguments.resume:
                trainer.load_state(folder.load_state())
                if processes.first:
                    folder.drop_log_after(trainer.iterations)
            say = print if processes.first else _nothing
            say(
                f'{len(train_split)} images to train on, {len(val_split)} to evaluate on, '
                f'from iteration {trainer.iterations}, {processes.count} x {processes.device}'
            )
            if training.initialization:
                say(f'from {arguments.weights}, but {training.initialization}')
            with training_progress(trainer, recipe.iterations, processes) as (progress, on_step):

                def evaluate() -> float:
                    miou = training.evaluate().scores.miou
                    progress.console.print(f'iteration {trainer.iterations}: mIoU {miou:.2%}')
                    return miou

                ended = run_training(
                    trainer,
                    folder,
                    processes,
                    iterations=recipe.iterations,
                    evaluate_every=recipe.evaluate_every,
                    evaluate=evaluate,
                    stop=lambda: bool(stop),
                    on_step=on_step,
                )
            if not ended:
                say(f'stopped after iteration {trainer.iterations}: go on with --resume')
                return 128 + (stop.signal or signal.SIGINT)
            if math.isfinite(trainer.best):
                say(f'best mIoU {trainer.best:.2%}: {folder.path / "best.safetensors"}')
    return 0


def _open_splits(arguments: Arguments, processes: Processes) -> tuple[DatasetSplit, DatasetSplit]:
    """Open what is trained and evaluated on; refuse a data set that is not in order."""
    dataset = _open_checked(arguments.dataset, arguments.layout, arguments, processes)
    train, val = dataset.training_splits(
        arguments.train_split, arguments.val_split, arguments.leave_out
    )
    if arguments.extra is not None:
        extra = _open_checked(arguments.extra, 'auto', arguments, processes).split('train')
        train = train.mixed_with(extra, arguments.extra_share)
    return train, val


def _open_checked(
    path: Path, layout: Layout, arguments: Arguments, processes: Processes
) -> SegmentationDataset:
    dataset = open_dataset(path, layout)
    if processes.first and not arguments.resume:
        with rich.get_console().status(f'checking {path}'):
            report = check_dataset(dataset)
        if not report.ok:
            raise RunError(
                f'{path} is not in order ({len(report.problems)} problems, '
                f'{len(report.overlaps)} overlaps): see training/check_dataset.py'
            )
    return dataset


def _facts(arguments: Arguments) -> dict[str, object]:
    """Gather what decides the weights, for the run folder."""
    return {
        **dataclasses.asdict(arguments.recipe),
        'dataset': str(arguments.dataset),
        'layout': arguments.layout,
        'train_split': arguments.train_split,
        'val_split': arguments.val_split,
        'extra': None if arguments.extra is None else str(arguments.extra),
        'extra_share': arguments.extra_share,
        'leave_out': list(arguments.leave_out),
        'weights': None if arguments.weights is None else str(arguments.weights),
    }


def _nothing(text: str) -> None:
    """Say nothing: only the first process talks."""


def main() -> int:
    """Run the command line of this process.

    :return: the exit code.
    """
    return run_command('train_segmentation', lambda: train(_parse()))


def _parse() -> Arguments:
    return tyro.extras.overridable_config_cli(
        {
            name: (text, Arguments(tyro.MISSING, tyro.MISSING, recipe))
            for name, (text, recipe) in PRESETS.items()
        },
        prog='train_segmentation.py',
        description=DESCRIPTION,
    )


if __name__ == '__main__':
    sys.exit(main())
