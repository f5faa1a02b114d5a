"""Logits at 1/8 to labels, confidence and detail at the camera's size.

Labels are exact: bilinear interpolation of every class at every pixel and argmax, in float32, as
:mod:`stdc_core.geometry` defines the positions. They come at a fraction of that work by skipping
cells: where the four logits around a cell have the same argmax, that class wins in the whole cell,
since every value in it is a convex combination of the four.

Numba compiles the loops at engine start; without it NumPy computes the same labels more slowly.
"""

import numpy as np
from numpy.typing import NDArray

from stdc_core.geometry import GridSampling

try:
    from stdc_core import upsample_numba
except ImportError:  # numba is not installed, or not for this numpy
    TAIL = 'numpy'
else:
    TAIL = 'numba'


def upsample_labels(
    logits: NDArray[np.float32], sampling: GridSampling, out: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """Class of every pixel of the frame; of equal logits the lowest class wins.

    :param logits: float32, shape (C, h, w), contiguous.
    :param sampling: of the grid (h, w), from :meth:`FrameGeometry.sampling`.
    :param out: uint8, shape (H, W), contiguous; written and returned where given.
    :return: uint8, shape (H, W).
    """
    if out is None:
        out = np.empty(sampling.size, np.uint8)
    _check_arrays(logits, sampling, out)
    if TAIL == 'numba':
        upsample_numba.labels_by_cell(logits, sampling.rows, sampling.columns, out)
        return out
    return upsample_labels_numpy(logits, sampling, out)


def upsample_labels_numpy(
    logits: NDArray[np.float32], sampling: GridSampling, out: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """:func:`upsample_labels` without a compiler; cells are skipped here too.

    Not by cv2.remap or cv2.warpAffine: they round the positions to 1/32 pixel in OpenCV 4.
    """
    _, rows, columns = sampling
    winner = logits.argmax(axis=0).astype(np.uint8)
    upper_left = winner[np.ix_(rows.lower, columns.lower)]
    np.copyto(out, upper_left)
    mixed_cells = _mixed_cells(winner)
    mixed = np.flatnonzero(mixed_cells[np.ix_(rows.lower, columns.lower)])
    if not len(mixed):
        return out
    row, column = np.divmod(mixed, sampling.size.width)
    left_weight, right_weight = columns.lower_weight[column], columns.upper_weight[column]
    width = logits.shape[2]
    left, right = row * width + columns.lower[column], row * width + columns.upper[column]
    best = np.full(len(mixed), -np.inf, np.float32)
    label = np.zeros(len(mixed), np.uint8)
    for class_id, plane in enumerate(logits):
        lines = (
            rows.lower_weight[:, None] * plane[rows.lower]
            + rows.upper_weight[:, None] * plane[rows.upper]
        ).ravel()  # (H * w,)
        value = left_weight * lines[left] + right_weight * lines[right]
        better = value > best
        label[better] = class_id
        np.maximum(best, value, out=best)
    out.ravel()[mixed] = label
    return out


def upsample_map(
    values: NDArray[np.float32], sampling: GridSampling, out: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """Upsample one map bilinearly and scale it to bytes.

    :param values: float32, 0..1, shape (h, w), contiguous.
    :param out: uint8, shape (H, W), contiguous; written and returned where given.
    :return: uint8, 0..255 for 0..1, shape (H, W).
    """
    if out is None:
        out = np.empty(sampling.size, np.uint8)
    _check_arrays(values, sampling, out)
    if TAIL == 'numba':
        upsample_numba.map_by_cell(values, sampling.rows, sampling.columns, out)
        return out
    _, rows, columns = sampling
    lines = (
        rows.lower_weight[:, None] * values[rows.lower]
        + rows.upper_weight[:, None] * values[rows.upper]
    )  # (H, w)
    pixels = (
        columns.lower_weight * lines[:, columns.lower]
        + columns.upper_weight * lines[:, columns.upper]
    )
    np.copyto(out, pixels * np.float32(255) + np.float32(0.5), casting='unsafe')
    return out


def softmax_maximum(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probability of the most likely class at each logit.

    :param logits: float32, shape (C, h, w).
    :return: float32, 1/C..1, shape (h, w).
    """
    return np.reciprocal(np.exp(logits - logits.max(axis=0)).sum(axis=0))


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probability of a binary logit, any shape, without overflow at either end."""
    return np.float32(0.5) * (1 + np.tanh(np.float32(0.5) * logits))


def mixed_share(logits: NDArray[np.float32]) -> float:
    """Share of cells that have to be interpolated, 0..1: the tail's work depends on it.

    :param logits: float32, shape (C, h, w).
    """
    return float(_mixed_cells(logits.argmax(axis=0)).mean())


def _check_arrays(
    values: NDArray[np.float32], sampling: GridSampling, out: NDArray[np.uint8]
) -> None:
    """Compiled loops check nothing: what does not fit would be read beyond its end."""
    if values.shape[-2:] != sampling.grid or values.dtype != np.float32:
        raise ValueError(
            f'logits are {values.dtype} of shape {values.shape}, expected float32 of '
            f'(..., {sampling.grid.height}, {sampling.grid.width})'
        )
    if out.shape != sampling.size or out.dtype != np.uint8:
        raise ValueError(
            f'out is {out.dtype} of shape {out.shape}, expected uint8 of {tuple(sampling.size)}'
        )
    if not (values.flags.c_contiguous and out.flags.c_contiguous):
        raise ValueError('logits and out have to be contiguous: copy them first')


def _mixed_cells(winner: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Which cells have corners of different classes; (h, w) -> (h - 1, w - 1), at least (1, 1)."""
    padded = np.pad(winner, [(0, n == 1) for n in winner.shape], mode='edge')
    corner = padded[:-1, :-1]
    same = (corner == padded[:-1, 1:]) & (corner == padded[1:, :-1]) & (corner == padded[1:, 1:])
    return ~same
