"""Balance the classes of a trained network: ``python training/set_class_bias.py --help``."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Annotated

import rich
import torch
import tyro
from rich.markup import escape
from rich.progress import Progress

from stdc_core.command_line.run_command import run_command
from stdc_core.errors import UserError
from stdc_core.networks.checkpoint import load_checkpoint, save_checkpoint
from stdc_core.networks.initial_weights import CLASS_BIAS
from stdc_core.training.class_bias import best_class_bias, sample_logits, with_class_bias
from stdc_core.training.datasets import Layout, open_dataset
from stdc_core.training.evaluation import NetworkSegmenter, evaluate
from stdc_core.training.evaluation_report import to_metrics, to_table


def set_class_bias(
    checkpoint: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar='CHECKPOINT')],
    output: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar='OUTPUT')],
    dataset: Annotated[Path, tyro.conf.arg(metavar='PATH')],
    layout: Layout = 'auto',
    train_split: str = 'train',
    val_split: str = 'val',
    leave_out: tuple[str, ...] | None = None,
    size: Annotated[tuple[int, int] | None, tyro.conf.arg(metavar='H W')] = None,
) -> None:
    """Give each class's logits the bias that makes the mean IoU on the training images greatest.

    A class that is missed mostly is named sooner, one that is claimed too often later. It costs
    nothing when the network runs; what was not trained on says whether it helped.

    :param checkpoint: the trained network (*.safetensors).
    :param output: the checkpoint to write, evaluated anew.
    :param dataset: folder or YAML file of the data set that it was trained on.
    :param layout: of the data set.
    :param train_split: the bias is chosen on it.
    :param val_split: evaluated before and after; the bias knows nothing of it.
    :param leave_out: sequences that were left out of the training; they are evaluated on instead.
        Those that the checkpoint's recipe names where not given.
    :param size: height and width of the network's input; each image's own where not given.
    """
    if output.suffix != '.safetensors':
        raise UserError(f'{output} is to be a checkpoint: name it *.safetensors')
    trained = load_checkpoint(checkpoint)
    if leave_out is None:
        leave_out = tuple(trained.recipe.get('leave_out', ()))
    data = open_dataset(dataset, layout)
    train, val = data.training_splits(train_split, val_split, leave_out)
    if train.labels.names != trained.labels.names:
        raise UserError(
            f"{checkpoint} has the classes of '{trained.labels.name}', {dataset} those of "
            f"'{train.labels.name}': they have to be the same, in the same order"
        )
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')

    with Progress() as progress:
        task = progress.add_task('', total=len(train) + 2 * len(val))

        def advance() -> None:
            progress.advance(task)

        progress.update(task, description=f'logits of {escape(train_split)}')
        before = NetworkSegmenter(trained.build(), size, device, trained.align_corners)
        sampled = sample_logits(before, train, on_image=advance)
        balanced = with_class_bias(trained, best_class_bias(sampled))
        progress.update(task, description='evaluating')
        after = NetworkSegmenter(balanced.build(), size, device, trained.align_corners)
        was, now = (evaluate(network, val, on_image=advance) for network in (before, after))
    bias = balanced.state[CLASS_BIAS].tolist()
    facts = {
        'split': train.name,
        'leave_out': list(leave_out),
        'size': size,
        'bias': [round(value, 3) for value in bias],
    }
    balanced = dataclasses.replace(
        balanced,
        recipe={**trained.recipe, 'class_bias': facts},
        metrics=to_metrics(now, val.labels),
    )
    save_checkpoint(output, balanced)
    rich.print(to_table(now, val.labels))
    for name, value, enough in zip(val.labels.names, bias, sampled.balanced, strict=True):
        print(f'{name}: {value:+.2f}' + ('' if enough else ', too few pixels: left as it was'))
    print(f'mIoU on {val.name}: {was.scores.miou:.2%} before, {now.scores.miou:.2%} with the bias')
    print(f'written: {output}')


def main() -> int:
    """Run the command line of this process.

    :return: the exit code.
    """
    return run_command('set_class_bias', lambda: tyro.cli(set_class_bias))


if __name__ == '__main__':
    sys.exit(main())
