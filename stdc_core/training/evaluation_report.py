"""An evaluation as JSON, as a table and as a picture."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.markup import escape
from rich.table import Table

from stdc_core.labels import LabelSet
from stdc_core.training.evaluation import Evaluation


def to_dict(
    evaluation: Evaluation, labels: LabelSet, image_names: Sequence[str]
) -> dict[str, Any]:
    """Plain data for JSON; null where there is nothing to measure."""
    scores = evaluation.scores
    return {
        'images': evaluation.images,
        'pixels': scores.pixels,
        'miou': finite(scores.miou),
        'pixel_accuracy': finite(scores.pixel_accuracy),
        'mean_accuracy': finite(scores.mean_accuracy),
        'absent_classes': [labels.names[class_id] for class_id in scores.absent],
        'iou': by_name(labels, scores.iou),
        'boundary': [
            {
                'width_px': boundary.width_px,
                'mean_f_score': finite(boundary.mean_f_score),
                'f_score': by_name(labels, boundary.f_score),
            }
            for boundary in evaluation.boundary
        ],
        'image_mious': {
            name: finite(miou)
            for name, miou in zip(image_names, evaluation.image_mious, strict=True)
        },
        'confusion': {
            'rows': 'truth',
            'columns': [*labels.names, 'unlabeled'],
            'pixels': evaluation.confusion.counts.tolist(),
        },
    }


def to_metrics(evaluation: Evaluation, labels: LabelSet) -> dict[str, Any]:
    """Name what a checkpoint says of how good it is."""
    scores = evaluation.scores
    return {
        'val_miou': finite(scores.miou),
        'val_pixel_accuracy': finite(scores.pixel_accuracy),
        'val_iou': by_name(labels, scores.iou),
    }


def to_table(evaluation: Evaluation, labels: LabelSet) -> Table:
    """One row a class, the means below."""
    table = Table('id', 'class')
    table.add_column('IoU %', justify='right')
    for boundary in evaluation.boundary:
        table.add_column(f'boundary F % ({boundary.width_px} px)', justify='right')
    columns = [evaluation.scores.iou, *(boundary.f_score for boundary in evaluation.boundary)]
    for class_id, name in enumerate(labels.names):
        values = (_percent(column[class_id]) for column in columns)
        table.add_row(str(class_id), escape(name), *values)
    table.add_section()
    means = [
        evaluation.scores.miou,
        *(boundary.mean_f_score for boundary in evaluation.boundary),
    ]
    table.add_row('', 'mean of the classes that are there', *map(_percent, means))
    table.add_row('', 'pixel accuracy', _percent(evaluation.scores.pixel_accuracy))
    return table


def draw_confusion(evaluation: Evaluation, labels: LabelSet) -> NDArray[np.uint8]:
    """Draw where the pixels of each class went, in percent of the class.

    :return: uint8, RGB, shape (H, W, 3).
    """
    counts = evaluation.confusion.counts[:, : len(labels)]
    with np.errstate(invalid='ignore'):
        shares = 100 * counts / evaluation.confusion.counts.sum(axis=1, keepdims=True)
    side = 2.5 + 0.5 * len(labels)
    figure = Figure(figsize=(side + 1, side), dpi=100, layout='constrained')
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap='Blues', vmin=0, vmax=100)
    text = {'parse_math': False}  # a name may have dollars
    axes.set_xticks(range(len(labels)), labels.names, rotation=60, ha='right', **text)
    axes.set_yticks(range(len(labels)), labels.names, **text)
    axes.set_xlabel('prediction')
    axes.set_ylabel('truth')
    axes.set_title(f'mIoU {_percent(evaluation.scores.miou)} %, {evaluation.images} images')
    for row, column in np.argwhere(shares >= 1):
        share = shares[row, column]
        color = 'white' if share > 60 else 'black'
        axes.text(column, row, f'{share:.0f}', ha='center', va='center', color=color, fontsize=8)
    figure.colorbar(image, label='% of the true class', shrink=0.7)
    canvas.draw()
    return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])


def by_name(labels: LabelSet, values: Iterable[float]) -> dict[str, float | None]:
    """Values by class name, None where there is nothing to measure."""
    return {name: finite(value) for name, value in zip(labels.names, values, strict=True)}


def finite(value: float) -> float | None:
    """Turn NaN, which JSON does not know, into None."""
    return None if math.isnan(value) else value


def _percent(value: float) -> str:
    return '-' if math.isnan(value) else f'{100 * value:.1f}'
