"""The loops of :mod:`stdc_core.upsample`, compiled by numba; they release the GIL.

The order of operations is the contract: rows first, then columns, each ``w0 * a + w1 * b`` in
float32, so that the labels equal the NumPy path's to the bit.
"""

from collections.abc import Callable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stdc_core.geometry import AxisSampling


def _compiled(function: Callable[..., None]) -> Callable[..., None]:
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # nowhere to write the cache: compile at every start
        return njit(nogil=True)(function)


@_compiled
def labels_by_cell(
    logits: NDArray[np.float32], rows: AxisSampling, columns: AxisSampling, out: NDArray[np.uint8]
) -> None:
    """Write the class of every pixel, interpolating only in cells with corners of two classes.

    :param logits: float32, shape (C, h, w), contiguous.
    :param out: uint8, shape (H, W), contiguous.
    """
    classes, height, width = logits.shape
    winner = np.zeros((height, width), np.uint8)
    highest = logits[0].copy()
    for k in range(1, classes):
        for y in range(height):
            for x in range(width):
                if logits[k, y, x] > highest[y, x]:
                    highest[y, x] = logits[k, y, x]
                    winner[y, x] = k

    candidates = np.empty(classes, np.uint8)
    corners = np.empty((classes, 4), np.float32)
    best = np.empty(out.shape[1], np.float32)
    for i in range(len(rows.starts) - 1):
        top, bottom = rows.starts[i], rows.starts[i + 1]
        if top == bottom:
            continue
        below = min(i + 1, height - 1)
        # Every row of cells starts as if no cell were mixed: one line, copied.
        for j in range(len(columns.starts) - 1):
            for x in range(columns.starts[j], columns.starts[j + 1]):
                out[top, x] = winner[i, j]
        for y in range(top + 1, bottom):
            out[y] = out[top]
        for j in range(len(columns.starts) - 1):
            start, end = columns.starts[j], columns.starts[j + 1]
            right = min(j + 1, width - 1)
            first = winner[i, j]
            if start == end or (
                first == winner[i, right]
                and first == winner[below, j]
                and first == winner[below, right]
            ):
                continue
            # A class below the others' worst corner with its best one wins nowhere in the cell.
            worst = np.float32(-np.inf)
            for k in range(classes):
                a, b = logits[k, i, j], logits[k, i, right]
                c, d = logits[k, below, j], logits[k, below, right]
                worst = max(worst, min(min(a, b), min(c, d)))
            count = 0
            for k in range(classes):
                a, b = logits[k, i, j], logits[k, i, right]
                c, d = logits[k, below, j], logits[k, below, right]
                if max(max(a, b), max(c, d)) >= worst:
                    candidates[count] = k
                    corners[count] = a, b, c, d
                    count += 1
            for y in range(top, bottom):
                w0, w1 = rows.lower_weight[y], rows.upper_weight[y]
                best[start:end] = -np.inf
                for n in range(count):
                    left_value = w0 * corners[n, 0] + w1 * corners[n, 2]
                    right_value = w0 * corners[n, 1] + w1 * corners[n, 3]
                    for x in range(start, end):
                        value = (
                            columns.lower_weight[x] * left_value
                            + columns.upper_weight[x] * right_value
                        )
                        if value > best[x]:
                            best[x] = value
                            out[y, x] = candidates[n]


@_compiled
def map_by_cell(
    values: NDArray[np.float32], rows: AxisSampling, columns: AxisSampling, out: NDArray[np.uint8]
) -> None:
    """Write one interpolated map, 0..1, as bytes.

    :param values: float32, shape (h, w), contiguous.
    :param out: uint8, shape (H, W), contiguous.
    """
    width = values.shape[1]
    line = np.empty(width, np.float32)
    for y in range(out.shape[0]):
        upper, lower = values[rows.lower[y]], values[rows.upper[y]]
        for x in range(width):
            line[x] = rows.lower_weight[y] * upper[x] + rows.upper_weight[y] * lower[x]
        for j in range(len(columns.starts) - 1):
            left, right = line[j], line[min(j + 1, width - 1)]
            for x in range(columns.starts[j], columns.starts[j + 1]):
                value = columns.lower_weight[x] * left + columns.upper_weight[x] * right
                out[y, x] = np.uint8(value * np.float32(255) + np.float32(0.5))
