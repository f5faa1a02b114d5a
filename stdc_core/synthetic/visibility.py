"""Which triangle is seen at every sample, by homogeneous rasterisation.

Olano and Greer, "Triangle scan conversion using 2D homogeneous coordinates" (Graphics Hardware
1997): the inverse of a triangle's three homogeneous picture points gives three functions, linear
in the picture, that are barycentric coordinates over depth. All are positive in the triangle, and
their sum is one over the depth, so nothing has to be clipped.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

NEAR = 0.2  # metres; what is nearer is not seen
SAMPLES = 2  # a side of every pixel's grid of samples
NOTHING = -1  # in the buffer of triangles: sky


@numba.njit(cache=True, nogil=True)
def edge_functions(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Invert each triangle's homogeneous points.

    :param points: shape (T, 3, 3), corner by corner x*w, y*w, w.
    :return: shape (T, 3, 3): corner by corner a, b, c of a*x + b*y + c; zeros for a triangle that
        is seen from its edge.
    """
    result = np.zeros_like(points)
    for t in range(len(points)):
        p, q, r = points[t, 0], points[t, 1], points[t, 2]
        first = (
            q[1] * r[2] - q[2] * r[1],
            q[2] * r[0] - q[0] * r[2],
            q[0] * r[1] - q[1] * r[0],
        )
        determinant = p[0] * first[0] + p[1] * first[1] + p[2] * first[2]
        if abs(determinant) < 1e-9:
            continue
        scale = 1 / determinant
        result[t, 0, 0] = first[0] * scale
        result[t, 0, 1] = first[1] * scale
        result[t, 0, 2] = first[2] * scale
        result[t, 1, 0] = (r[1] * p[2] - r[2] * p[1]) * scale
        result[t, 1, 1] = (r[2] * p[0] - r[0] * p[2]) * scale
        result[t, 1, 2] = (r[0] * p[1] - r[1] * p[0]) * scale
        result[t, 2, 0] = (p[1] * q[2] - p[2] * q[1]) * scale
        result[t, 2, 1] = (p[2] * q[0] - p[0] * q[2]) * scale
        result[t, 2, 2] = (p[0] * q[1] - p[1] * q[0]) * scale
    return result


@numba.njit(cache=True, nogil=True)
def _rows(points: NDArray[np.float64], height: int) -> tuple[int, int]:
    """First row and the one behind the last whose samples' centres a triangle may cover."""
    least, greatest = math.inf, -math.inf
    for corner in range(3):
        w = points[corner, 2]
        if w >= NEAR:
            y = points[corner, 1] / w
            least, greatest = min(least, y), max(greatest, y)
        following = points[(corner + 1) % 3]
        if (w >= NEAR) != (following[2] >= NEAR):  # the side meets the near plane
            share = (NEAR - w) / (following[2] - w)
            y = (points[corner, 1] + share * (following[1] - points[corner, 1])) / NEAR
            least, greatest = min(least, y), max(greatest, y)
    if not least <= greatest:
        return 0, 0
    return int(max(0.0, math.ceil(least - 0.5))), int(
        min(height - 1.0, math.floor(greatest - 0.5))
    ) + 1


@numba.njit(cache=True, nogil=True)
def texel(u: float, v: float, start: int, side: int) -> int:
    """Place of the texel at (u, v) in a level whose pixels begin at ``start``."""
    x = math.floor(u * side) & (side - 1)
    y = math.floor(v * side) & (side - 1)
    return start + 4 * (y * side + x)


@numba.njit(cache=True, nogil=True)
def mip_level(texels_per_pixel: float, levels: int) -> int:
    """Level of a mip pyramid in which a texel is about as large as a pixel."""
    if texels_per_pixel <= 1:
        return 0
    return min(levels - 1, int(math.log2(texels_per_pixel) + 0.5))


@numba.njit(cache=True, nogil=True)
def see(
    points: NDArray[np.float64],
    edges: NDArray[np.float64],
    height_of: NDArray[np.float64],
    uv: NDArray[np.float32],
    cut_out: NDArray[np.int64],
    density: NDArray[np.float64],
    atlas: NDArray[np.uint8],
    level_starts: NDArray[np.int64],
    triangle: NDArray[np.int32],
    nearness: NDArray[np.float32],
) -> None:
    """Write the nearest triangle of every sample.

    :param points: homogeneous picture points, in samples, shape (T, 3, 3).
    :param edges: of :func:`edge_functions`.
    :param height_of: how near each corner is, shape (T, 3), interpolated as is: ones for a
        perspective picture (it becomes one over the depth), heights for a parallel one.
    :param uv: shape (T, 3, 2).
    :param cut_out: place of the texture whose alpha cuts holes, -1 for none, shape (T,).
    :param density: texels a sample at depth 1, shape (T,).
    :param triangle: int32, shape (H, W), written where a triangle is nearest.
    :param nearness: float32, shape (H, W), likewise; holds what is behind everything.
    """
    height, width = triangle.shape
    levels = level_starts.shape[1]
    for t in range(len(points)):
        e = edges[t]
        first, end = _rows(points[t], height)
        if first >= end:
            continue
        da = e[0, 0] * height_of[t, 0] + e[1, 0] * height_of[t, 1] + e[2, 0] * height_of[t, 2]
        db = e[0, 1] * height_of[t, 0] + e[1, 1] * height_of[t, 1] + e[2, 1] * height_of[t, 2]
        dc = e[0, 2] * height_of[t, 0] + e[1, 2] * height_of[t, 1] + e[2, 2] * height_of[t, 2]
        wa = e[0, 0] + e[1, 0] + e[2, 0]
        wb = e[0, 1] + e[1, 1] + e[2, 1]
        wc = e[0, 2] + e[1, 2] + e[2, 2]
        if wa == 0 and wb == 0 and wc == 0:
            continue
        for row in range(first, end):
            y = row + 0.5
            # The span in which the three functions are positive, and the depth beyond NEAR.
            left, right = 0.5, width - 0.5
            for k in range(4):
                if k < 3:
                    a, c = e[k, 0], e[k, 1] * y + e[k, 2]
                else:
                    a, c = -wa, 1 / NEAR - (wb * y + wc)
                if a > 0:
                    left = max(left, -c / a)
                elif a < 0:
                    right = min(right, -c / a)
                elif c < 0:
                    right = -1.0
            if left > right:
                continue
            start, stop = math.ceil(left - 0.5), math.floor(right - 0.5) + 1
            base = db * y + dc
            if cut_out[t] < 0:
                for column in range(start, stop):
                    near = np.float32(da * (column + 0.5) + base)
                    if near > nearness[row, column]:
                        nearness[row, column] = near
                        triangle[row, column] = t
                continue
            for column in range(start, stop):
                x = column + 0.5
                near = np.float32(da * x + base)
                if near <= nearness[row, column]:
                    continue
                w = wa * x + wb * y + wc
                u = v = 0.0
                for k in range(3):
                    share = (e[k, 0] * x + e[k, 1] * y + e[k, 2]) / w
                    u += share * uv[t, k, 0]
                    v += share * uv[t, k, 1]
                level = mip_level(density[t] / w, levels)
                begin, side = level_starts[cut_out[t], level], (1 << (levels - 1)) >> level
                if atlas[texel(u, v, begin, side) + 3] >= 128:
                    nearness[row, column] = near
                    triangle[row, column] = t
