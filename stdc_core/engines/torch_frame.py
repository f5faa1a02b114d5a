"""What ``kernels.cu`` does, in plain torch operations: the same values, on any device.

Every product and sum is an operation of its own, so nothing is fused into another rounding; ties
are broken by a minimum, since torch's argmax on a GPU takes any of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stdc_core.cuda.tables import FrameTables
from stdc_core.geometry import PADDING_RGB, FrameGeometry
from stdc_core.labels import ColorOrder


class Axis(NamedTuple):
    """A table of :mod:`stdc_core.cuda.tables`, as tensors."""

    lower: Tensor  # int64, (n,)
    upper: Tensor
    lower_weight: Tensor  # int32 or float32, (n,)
    upper_weight: Tensor

    @classmethod
    def of(cls, table: NDArray[np.void], device: torch.device) -> Axis:
        """Copy one."""
        lower, upper, *weights = (np.ascontiguousarray(table[name]) for name in cls._fields)
        indices = (torch.from_numpy(index).long() for index in (lower, upper))
        tensors = (*indices, *(torch.from_numpy(weight) for weight in weights))
        return cls(*(tensor.to(device) for tensor in tensors))


class Axes(NamedTuple):
    """All tables of one frame size."""

    resize_rows: Axis
    resize_columns: Axis
    rows: Axis
    columns: Axis

    @classmethod
    def of(cls, tables: FrameTables, device: torch.device) -> Axes:
        """Copy them."""
        return cls(*(Axis.of(table, device) for table in tables))


def resize_frame(
    frame: Tensor, geometry: FrameGeometry, axes: Axes, image: Tensor, color_order: ColorOrder
) -> None:
    """Resize a frame to the network's input, as :meth:`FrameGeometry.resize` does.

    :param frame: uint8, shape (*geometry.frame*, 3).
    :param image: uint8, RGB, shape (*geometry.network*, 3); written over.
    """
    top, left, height, width = geometry.content
    rows, columns = axes.resize_rows, axes.resize_columns
    at_left = frame[:, columns.lower].int() * columns.lower_weight[:, None]
    lines = at_left + frame[:, columns.upper].int() * columns.upper_weight[:, None]
    lines = lines >> 4
    above = lines[rows.lower] * rows.lower_weight[:, None, None] >> 16
    below = lines[rows.upper] * rows.upper_weight[:, None, None] >> 16
    content = (above + below + 2 >> 2).to(torch.uint8)
    if (height, width) != geometry.network:
        for channel, value in enumerate(PADDING_RGB):
            image[..., channel] = value
    image[top : top + height, left : left + width] = (
        content.flip(2) if color_order == 'bgr' else content
    )


def upsample_labels(logits: Tensor, axes: Axes) -> Tensor:
    """Compute labels, as :func:`stdc_core.upsample.upsample_labels` does.

    :param logits: float32, shape (C, h, w).
    :return: uint8, shape (H, W).
    """
    rows, columns = axes.rows, axes.columns
    winners = _lowest_argmax(logits)  # (h, w)
    upper, lower = winners[rows.lower], winners[rows.upper]  # (H, w)
    corner = upper[:, columns.lower]
    pure = corner == upper[:, columns.upper]
    pure &= corner == lower[:, columns.lower]
    pure &= corner == lower[:, columns.upper]
    return torch.where(pure, corner, _lowest_argmax(_sample(logits, axes)))


def upsample_map(values: Tensor, axes: Axes) -> Tensor:
    """Upsample a map of 0..1, float32 (h, w), to bytes (H, W)."""
    pixels = _sample(values[None], axes)[0]
    return (pixels * 255 + 0.5).to(torch.uint8)


def softmax_maximum(logits: Tensor) -> Tensor:
    """Probability of the most likely class: (C, h, w) -> (h, w)."""
    return (logits - logits.amax(dim=0)).exp().sum(dim=0).reciprocal()


def count_not_finite(logits: Tensor) -> Tensor:
    """Count values that are NaN or infinite: any shape -> int64, shape ()."""
    return logits.isfinite().logical_not().sum()


def _sample(values: Tensor, axes: Axes) -> Tensor:
    rows, columns = axes.rows, axes.columns
    above = rows.lower_weight[:, None] * values[:, rows.lower]
    lines = above + rows.upper_weight[:, None] * values[:, rows.upper]  # (C, H, w)
    at_left = columns.lower_weight * lines[..., columns.lower]
    return at_left + columns.upper_weight * lines[..., columns.upper]  # (C, H, W)


def _lowest_argmax(values: Tensor) -> Tensor:
    classes = torch.arange(len(values), device=values.device, dtype=torch.uint8)[:, None, None]
    is_best = values == values.amax(dim=0)
    return torch.where(is_best, classes, 255).amin(dim=0)
