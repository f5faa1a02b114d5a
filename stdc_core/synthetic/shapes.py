"""Boxes, tubes, cards and outlines drawn out: the parts that objects are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stdc_core.synthetic.textures import Texture
from stdc_core.synthetic.triangles import Triangles, join, quads

Point = tuple[float, float, float]
Tint = tuple[float, ...] | NDArray[np.float64]  # RGB, factors
WHITE: Tint = (1.0, 1.0, 1.0)


def box(
    center: Point,
    size: Point,
    label: int,
    tint: Tint = WHITE,
    texture: Texture = Texture.PLAIN,
    metres_a_tile: float = 0.0,
) -> Triangles:
    """Make a box without a bottom.

    :param center: middle of its bottom.
    :param size: x, y, z.
    :param metres_a_tile: size of one repeat of the texture; 0 stretches it over each side.
    """
    (x, y, z), (width, depth, height) = center, size
    left, right, back, front = x - width / 2, x + width / 2, y - depth / 2, y + depth / 2
    top = z + height
    corners = [
        [(left, back, top), (right, back, top), (right, back, z), (left, back, z)],
        [(right, front, top), (left, front, top), (left, front, z), (right, front, z)],
        [(left, front, top), (left, back, top), (left, back, z), (left, front, z)],
        [(right, back, top), (right, front, top), (right, front, z), (right, back, z)],
        [(left, front, top), (right, front, top), (right, back, top), (left, back, top)],
    ]
    sides = [(width, height), (width, height), (depth, height), (depth, height), (width, depth)]
    uv = []
    for across, down in sides:
        u, v = (across / metres_a_tile, down / metres_a_tile) if metres_a_tile else (1, 1)
        uv.append([(0, 0), (u, 0), (u, v), (0, v)])
    return quads(corners, label, tint, texture, uv)


def tubes(
    starts: ArrayLike,
    ends: ArrayLike,
    radii: ArrayLike,
    label: int,
    tints: ArrayLike = WHITE,
    texture: Texture = Texture.PLAIN,
    sides: int = 6,
) -> Triangles:
    """Make round tubes, open at their ends.

    :param starts: shape (N, 3).
    :param ends: shape (N, 3).
    :param radii: at start and end, shape (N, 2).
    :param tints: shape (3,) or (N, 3).
    """
    first = np.asarray(starts, np.float64).reshape(-1, 3)
    last = np.asarray(ends, np.float64).reshape(-1, 3)
    axis = last - first
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    helper = np.where(np.abs(axis[:, :1]) < 0.9, (1.0, 0, 0), (0, 1.0, 0))
    one = np.cross(axis, helper)
    one /= np.linalg.norm(one, axis=1, keepdims=True)
    two = np.cross(axis, one)
    angles = 2 * np.pi * np.arange(sides + 1)[:, None] / sides
    ring = np.cos(angles) * one[:, None] + np.sin(angles) * two[:, None]  # (N, sides + 1, 3)
    radius = np.asarray(radii, np.float64).reshape(-1, 2, 1, 1)
    low, high = first[:, None] + radius[:, 0] * ring, last[:, None] + radius[:, 1] * ring
    corners = np.stack((high[:, :-1], high[:, 1:], low[:, 1:], low[:, :-1]), 2)
    colors = np.broadcast_to(np.asarray(tints, np.float32), (len(first), 3))
    return quads(corners, label, np.repeat(colors, sides, axis=0), texture)


def tube(
    start: Point,
    end: Point,
    radius: float | tuple[float, float],
    label: int,
    tint: Tint = WHITE,
    texture: Texture = Texture.PLAIN,
    sides: int = 6,
) -> Triangles:
    """Make one round tube; ``radius`` is that at both ends, or at each."""
    radii = (radius, radius) if isinstance(radius, (int, float)) else radius
    return tubes([start], [end], [radii], label, tint, texture, sides)


def balls(centers: ArrayLike, radii: ArrayLike, label: int, tints: ArrayLike = WHITE) -> Triangles:
    """Make ellipsoids of four rings of eight sides.

    :param centers: shape (N, 3).
    :param radii: along x, y and z, shape (N, 3).
    :param tints: shape (3,) or (N, 3).
    """
    polar = np.linspace(0, np.pi, 5)[:, None]
    around = np.linspace(0, 2 * np.pi, 9) + np.pi / 8
    height = np.broadcast_to(np.cos(polar), (5, 9))
    sphere = np.stack((np.sin(polar) * np.sin(around), np.sin(polar) * np.cos(around), height), -1)
    middle = np.asarray(centers, np.float64).reshape(-1, 1, 1, 3)
    surface = middle + sphere * np.asarray(radii, np.float64).reshape(-1, 1, 1, 3)
    corners = np.stack(
        (surface[:, :-1, :-1], surface[:, :-1, 1:], surface[:, 1:, 1:], surface[:, 1:, :-1]), 3
    )
    colors = np.broadcast_to(np.asarray(tints, np.float32), (len(middle), 3))
    return quads(corners, label, np.repeat(colors, 32, axis=0))


def card(
    center: Point,
    width: float,
    height: float,
    heading: float,
    label: int,
    texture: Texture,
    tint: Tint = WHITE,
) -> Triangles:
    """Make an upright picture.

    :param center: middle of its lower edge.
    :param heading: radians; 0 faces along y.
    """
    x, y, z = center
    dx, dy = width / 2 * np.cos(heading), width / 2 * np.sin(heading)
    corners = [
        (x - dx, y - dy, z + height),
        (x + dx, y + dy, z + height),
        (x + dx, y + dy, z),
        (x - dx, y - dy, z),
    ]
    return quads(corners, label, tint, texture)


def drawn_out(
    outline: Sequence[tuple[float, float]],
    half_widths: Sequence[float],
    label: int,
    tints: Sequence[Tint],
    textures: Sequence[Texture],
) -> Triangles:
    """Draw a side view out to both sides: a body whose width may change from point to point.

    :param outline: y and z of its points, around it; convex.
    :param half_widths: at each point.
    :param tints: of the strip from each point to the next; the last but one is the sides'.
    :param textures: likewise.
    """
    points = np.array(outline, np.float64)
    half = np.array(half_widths, np.float64)
    left = np.column_stack((-half, points))
    right = np.column_stack((half, points))
    parts = []
    for index in range(len(points)):
        following = (index + 1) % len(points)
        strip = (left[index], right[index], right[following], left[following])
        parts.append(quads([strip], label, tints[index], textures[index]))
    for side in (left, right):
        parts.append(_fan(side, label, tints[-1], textures[-1]))
    return join(parts)


def _fan(points: ArrayLike, label: int, tint: Tint, texture: Texture) -> Triangles:
    """Fill a flat convex polygon, the texture stretched over it from top to bottom."""
    points = np.asarray(points, np.float32)
    count = len(points) - 2
    order = np.array([(0, index + 1, index + 2) for index in range(count)])
    low, high = points.min(0), points.max(0)
    flat = (points - low) / np.maximum(high - low, 1e-6)
    uv = np.stack((flat[:, 1], 1 - flat[:, 2]), 1)
    return Triangles(
        points[order],
        uv[order].astype(np.float32),
        np.full(count, texture, np.int16),
        np.tile(np.array(tint, np.float32), (count, 1)),
        np.full(count, label, np.uint8),
    )
