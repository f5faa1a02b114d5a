"""Train an STDC classifier: ``python training/train_classifier.py --help``.

Several processes: ``torchrun --nproc-per-node 2 training/train_classifier.py ...``.
"""

from __future__ import annotations

import dataclasses
import math
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

# Huge pages for tensors on the CPU; torch looks at this when it is imported.
os.environ.setdefault('THP_MEM_ALLOC_ENABLE', '1')

import torch
import tyro

from stdc_core.command_line.run_command import run_command
from stdc_core.memory import keep_freed_memory
from stdc_core.training.classification import (
    ClassificationRecipe,
    ClassificationTask,
    start_classification,
)
from stdc_core.training.image_folder import open_image_folder
from stdc_core.training.processes import join_processes
from stdc_core.training.progress import training_progress
from stdc_core.training.recipe import check_range
from stdc_core.training.run_folder import RunFolder
from stdc_core.training.stop_request import StopRequest
from stdc_core.training.trainer import run_training

DESCRIPTION = """Train an STDC classifier by the paper's recipe (section 4.2); its backbone is what
segmentation starts from (train_segmentation.py --weights).

Ctrl-C ends the training after the iteration at hand; --resume goes on with it."""


@dataclass(frozen=True)
class Arguments:
    """One training.

    :param dataset: folder with train/CLASS/*.jpg and val/CLASS/*.jpg.
    :param output: folder for checkpoints and figures.
    :param recipe: what decides the weights.
    :param resume: go on with the run in the output folder.
    :param device: auto takes CUDA where there is one; cpu, cuda.
    :param threads: of torch on the CPU; all cores where not given.
    :param readers: threads that read and crop images.
    """

    dataset: Annotated[Path, tyro.conf.arg(metavar='PATH')]
    output: Annotated[Path, tyro.conf.arg(metavar='DIR')]
    recipe: tyro.conf.OmitArgPrefixes[ClassificationRecipe] = field(
        default_factory=ClassificationRecipe
    )
    resume: bool = False
    device: str = 'auto'
    threads: Annotated[int | None, tyro.conf.arg(metavar='INT')] = None
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
    recipe = arguments.recipe
    data = open_image_folder(arguments.dataset, 'train')
    val = open_image_folder(arguments.dataset, 'val', like=data)
    facts = {**dataclasses.asdict(recipe), 'dataset': str(arguments.dataset)}
    with (
        join_processes(arguments.device) as processes,
        RunFolder(
            arguments.output, facts, resume=arguments.resume, write=processes.first
        ) as folder,
        ClassificationTask(recipe, data, processes, arguments.readers) as task,
        StopRequest() as stop,
    ):
        training = start_classification(recipe, task, val, folder, processes)
        trainer = training.trainer
        if arguments.resume:
            trainer.load_state(folder.load_state())
            if processes.first:
                folder.drop_log_after(trainer.iterations)
        with training_progress(trainer, task.iterations, processes) as (progress, on_step):

            def evaluate() -> float:
                scores = training.evaluate()
                progress.console.print(
                    f'iteration {trainer.iterations}: top-1 {scores.top1:.2%}, '
                    f'top-5 {scores.top5:.2%}'
                )
                return scores.top1

            ended = run_training(
                trainer,
                folder,
                processes,
                iterations=task.iterations,
                evaluate_every=math.ceil(task.epoch_iterations),
                evaluate=evaluate,
                stop=lambda: bool(stop),
                on_step=on_step,
            )
        if processes.first:
            print(
                f'best top-1 {trainer.best:.2%}: {folder.path / "best.safetensors"}'
                if ended
                else f'stopped after iteration {trainer.iterations}: go on with --resume'
            )
    return 0 if ended else 128 + (stop.signal or signal.SIGINT)


def main() -> int:
    """Run the command line of this process.

    :return: the exit code.
    """
    return run_command(
        'train_classifier',
        lambda: train(tyro.cli(Arguments, prog='train_classifier.py', description=DESCRIPTION)),
    )


if __name__ == '__main__':
    sys.exit(main())
