"""``stdc_seg export``: checkpoint to model file."""

import re
from pathlib import Path
from typing import Annotated

import tyro

from stdc_core.errors import UserError
from stdc_core.geometry import ResizeMode, Size
from stdc_core.labels import open_label_set


def export(
    checkpoint: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar='CHECKPOINT')],
    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar='MODEL')],
    size: Annotated[tuple[int, int], tyro.conf.arg(metavar='H W')] = (512, 1024),
    labels: Annotated[str | None, tyro.conf.arg(metavar='NAME|FILE')] = None,
    detail: bool = True,
    resize: ResizeMode = 'stretch',
    half_weights: bool = False,
) -> None:
    """Make a model file of a checkpoint, compare it with torch, and say how close it is.

    Takes checkpoints of this package (*.safetensors) and the segmentation files of the paper's
    authors (*.pth). Needs torch: pip install 'stdc_seg_ros[train]'.

    :param checkpoint: the trained network.
    :param model: the model file to write (*.onnx).
    :param size: default height and width of the network's input; engines may open others.
    :param labels: camvid, cityscapes or a YAML file, where the checkpoint does not say.
    :param detail: keep the detail head; it costs nothing where nobody asks for the detail map.
    :param resize: how a frame becomes the network's input.
    :param half_weights: round the weights to half precision, which halves the file.
    """
    try:
        import onnxruntime  # noqa: F401  # what the file is compared with

        from stdc_core.export import export_model
        from stdc_core.networks.authors_checkpoint import load_authors_segmentation
        from stdc_core.networks.checkpoint import load_checkpoint
    except ImportError as error:
        raise UserError(f"export needs {error.name}: pip install 'stdc_seg_ros[train]'") from error
    if model.suffix != '.onnx':
        raise UserError(f'{model} is to be a model file: name it *.onnx')
    label_set = None if labels is None else open_label_set(labels)
    if checkpoint.suffix == '.safetensors':
        source = load_checkpoint(checkpoint)
        if label_set is not None:
            raise UserError(f'{checkpoint} holds its label set: leave --labels away')
    else:
        source = load_authors_segmentation(checkpoint, label_set)
    if source.skipped:
        modules = {re.sub(r'^((cp\.backbone\.)?[^.]*).*', r'\1', name) for name in source.skipped}
        print(f'no part of the network, left out: {", ".join(sorted(modules))}')
    print(f'exporting {checkpoint} and comparing with torch, half a minute', flush=True)
    report = export_model(
        source, model, size=Size(*size), detail=detail, resize=resize, half_weights=half_weights
    )
    print(
        f'{model}: {source.config.variant}, {len(source.labels)} classes, {Size(*size)}; logits '
        f'within {report.logit_difference:.1g} of torch, labels equal on '
        f'{report.label_agreement:.3%}'
    )
