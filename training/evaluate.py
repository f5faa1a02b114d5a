"""Evaluate a model file or a checkpoint on a data set: ``python training/evaluate.py --help``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import rich
import torch
import tyro
from rich.markup import escape
from rich.progress import Progress

from stdc_core.atomic_file import atomic_path
from stdc_core.command_line.run_command import run_command
from stdc_core.engines import Backend, Precision, open_engine
from stdc_core.errors import UserError
from stdc_core.geometry import Size
from stdc_core.image_file import write_image_file
from stdc_core.labels import LabelSet
from stdc_core.model_file import read_model_file
from stdc_core.networks.checkpoint import load_checkpoint
from stdc_core.training.datasets import Layout, open_dataset
from stdc_core.training.evaluation import NetworkSegmenter, Segmenter, evaluate
from stdc_core.training.evaluation_report import draw_confusion, to_dict, to_table
from stdc_core.training.pictures import draw_mistakes
from stdc_core.training.recipe import check_range


def evaluate_model(
    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar='MODEL')],
    dataset: Annotated[Path, tyro.conf.arg(metavar='PATH')],
    layout: Layout = 'auto',
    split: str = 'val',
    only: tuple[str, ...] = (),
    size: Annotated[tuple[int, int] | None, tyro.conf.arg(metavar='H W')] = None,
    boundary_widths: tuple[int, ...] = (3,),
    backend: Backend = 'auto',
    precision: Precision = 'fp32',
    output: Annotated[Path | None, tyro.conf.arg(metavar='DIR')] = None,
    worst: int = 0,
) -> None:
    """Evaluate on a split: one confusion matrix over all images, IoU, boundary F-score.

    Images are resized to the network's input and the logits sampled at every pixel of the labels,
    the way every engine goes. Ignored pixels do not count.

    :param model: model file (*.onnx), or checkpoint (*.safetensors; runs in torch).
    :param dataset: folder or YAML file of the data set (docs/datasets.md).
    :param layout: of the data set.
    :param split: of the data set.
    :param only: sequences (drives, cities) to take of it; all where none is named.
    :param size: height and width of the network's input, e.g. 512 1024 for the paper's
        STDC-Seg50; where not given, a model file's default size, for a checkpoint each
        image's own.
    :param boundary_widths: pixels to either side of a boundary, one F-score each.
    :param backend: engine for a model file.
    :param precision: of the engine.
    :param output: also write evaluation.json and confusion.png there.
    :param worst: also write worst.png there: so many images with the least mIoU of their own, with
        truth, prediction and the wrong pixels.
    """
    check_range('worst', worst, least=0)
    if worst and output is None:
        raise UserError('--worst writes a picture: say where by --output DIR')
    with _open_segmenter(model, size, backend, precision) as (segmenter, protocol, labels):
        part = open_dataset(dataset, layout).split(split)
        if only:
            part = part.only_sequences(only)
        if part.labels.names != labels.names:
            raise UserError(
                f"{model} has the classes of '{labels.name}', {dataset} those of "
                f"'{part.labels.name}': they have to be the same, in the same order"
            )
        with Progress() as progress:
            task = progress.add_task(escape(split), total=len(part))
            result = evaluate(
                segmenter, part, boundary_widths, on_image=lambda: progress.advance(task)
            )
        indices = result.worst(worst)
        mious = [result.image_mious[index] for index in indices]
        mistakes = draw_mistakes(segmenter, part, indices, mious) if indices else None
    print(f'{model} on {split} of {dataset}, {result.images} images, network at {protocol}')
    rich.print(to_table(result, labels))
    if absent := result.scores.absent:
        print(f'in neither truth nor prediction: {", ".join(labels.names[i] for i in absent)}')
    if output is not None:
        report = to_dict(result, labels, [pair.name for pair in part.pairs])
        facts = {'model': str(model), 'split': split, 'only': only, 'network_size': protocol}
        with atomic_path(output / 'evaluation.json') as path:
            path.write_text(json.dumps({**facts, **report}, indent=1) + '\n')
        pictures = {'confusion.png': draw_confusion(result, labels), 'worst.png': mistakes}
        written = {name: picture for name, picture in pictures.items() if picture is not None}
        for name, picture in written.items():
            write_image_file(output / name, picture[..., ::-1])
        print(f'written to {output}/: {", ".join(("evaluation.json", *written))}')


@contextmanager
def _open_segmenter(
    model: Path, size: tuple[int, int] | None, backend: Backend, precision: Precision
) -> Iterator[tuple[Segmenter, str, LabelSet]]:
    """Open a model; the text says what its network's input is."""
    if model.suffix == '.safetensors':
        if backend not in ('auto', 'torch') or precision != 'fp32':
            raise UserError(
                f'{model} is a checkpoint, which runs in torch at fp32: export it for another'
            )
        checkpoint = load_checkpoint(model)
        device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
        network = NetworkSegmenter(checkpoint.build(), size, device, checkpoint.align_corners)
        yield network, 'own size' if size is None else str(Size(*size)), checkpoint.labels
        return
    file = read_model_file(model)
    with open_engine(file, backend, precision=precision, size=size) as engine:
        print(engine.info)
        yield (
            lambda image: engine.infer(image, color_order='rgb').labels,
            str(engine.size),
            file.metadata.labels,
        )


def main() -> int:
    """Run the command line of this process.

    :return: the exit code.
    """
    return run_command('evaluate', lambda: tyro.cli(evaluate_model, prog='evaluate.py'))


if __name__ == '__main__':
    sys.exit(main())
