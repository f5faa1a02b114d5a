"""Positions and weights for the kernels: those of :mod:`stdc_core.geometry`, exactly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stdc_core.geometry import AxisSampling, FrameGeometry, GridSampling

LINEAR = np.dtype(
    [('lower', 'i4'), ('upper', 'i4'), ('lower_weight', 'f4'), ('upper_weight', 'f4')]
)
FIXED_LINEAR = np.dtype(
    [('lower', 'i4'), ('upper', 'i4'), ('lower_weight', 'i4'), ('upper_weight', 'i4')]
)
FIXED_ONE = 2048  # OpenCV's INTER_RESIZE_COEF_SCALE


class FrameTables(NamedTuple):
    """What the kernels read for one size of frames."""

    resize_rows: NDArray[np.void]  # FIXED_LINEAR, (content height,)
    resize_columns: NDArray[np.void]  # FIXED_LINEAR, (content width,)
    rows: NDArray[np.void]  # LINEAR, (frame height,)
    columns: NDArray[np.void]  # LINEAR, (frame width,)


def frame_tables(geometry: FrameGeometry, sampling: GridSampling) -> FrameTables:
    """Make the tables of a frame size.

    :param sampling: of the logits, from ``geometry``.
    """
    content = geometry.content
    return FrameTables(
        resize_axis(geometry.frame.height, content.height, rows=True),
        resize_axis(geometry.frame.width, content.width, rows=False),
        sampling_axis(sampling.rows),
        sampling_axis(sampling.columns),
    )


def resize_axis(frame: int, content: int, *, rows: bool) -> NDArray[np.void]:
    """Take over OpenCV's bilinear resize of bytes along one axis: ``content`` of ``frame`` pixels.

    In its order and precision: the scale in float64, position and weight in float32, weights of
    2048 rounded half to even. Beyond the outermost centres a column is the outermost pixel; a row
    is mixed of that one twice, and so once more rounded.
    """
    position = (np.arange(content) + 0.5) * (frame / content) - 0.5
    position = position.astype(np.float32)
    lower = np.floor(position).astype(np.int32)
    fraction = position - lower.astype(np.float32)
    if not rows:
        fraction[(lower < 0) | (lower >= frame - 1)] = 0
    table = np.empty(content, FIXED_LINEAR)
    table['lower'] = lower.clip(0, frame - 1)
    table['upper'] = (lower + 1).clip(0, frame - 1)
    table['lower_weight'] = np.rint((np.float32(1) - fraction) * np.float32(FIXED_ONE))
    table['upper_weight'] = np.rint(fraction * np.float32(FIXED_ONE))
    return table


def sampling_axis(axis: AxisSampling) -> NDArray[np.void]:
    """Interleave one axis of a sampling for the kernels."""
    table = np.empty(len(axis.lower), LINEAR)
    for name in LINEAR.names or ():
        table[name] = getattr(axis, name)
    return table
