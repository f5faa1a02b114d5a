"""Boxes, tubes, cards and outlines drawn out: the parts that objects are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from stdc_core.synthetic.textures import Texture
from stdc_core.synthetic.triangles import Triangles, join, quads

Point = tuple[float, float, float]
Tint = tuple[float, float, float]
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


def tube(
    start: Point,
    end: Point,
    radius: float | tuple[float, float],
    label: int,
    tint: Tint = WHITE,
    texture: Texture = Texture.PLAIN,
    sides: int = 6,
) -> Triangles:
    """Make a round tube between two points, open at its ends.

    :param radius: at both ends, or at each.
    """
    first, last = np.array(start, np.float64), np.array(end, np.float64)
    axis = last - first
    axis /= np.linalg.norm(axis)
    helper = np.array((1.0, 0, 0) if abs(axis[0]) < 0.9 else (0, 1.0, 0))
    one = np.cross(axis, helper)
    one /= np.linalg.norm(one)
    two = np.cross(axis, one)
    angles = 2 * np.pi * np.arange(sides + 1) / sides
    ring = np.cos(angles)[:, None] * one + np.sin(angles)[:, None] * two
    radii = (radius, radius) if isinstance(radius, (int, float)) else radius
    low, high = first + radii[0] * ring, last + radii[1] * ring
    corners = np.stack((high[:-1], high[1:], low[1:], low[:-1]), 1)
    return quads(corners, label, tint, texture)


def ball(
    center: Point, radius: Point, label: int, tint: Tint = WHITE, texture: Texture = Texture.PLAIN
) -> Triangles:
    """Make an ellipsoid of four rings of eight sides."""
    polar = np.linspace(0, np.pi, 5)
    around = np.linspace(0, 2 * np.pi, 9) + np.pi / 8
    surface = np.stack(
        (
            np.sin(polar)[:, None] * np.sin(around),
            np.sin(polar)[:, None] * np.cos(around),
            np.broadcast_to(np.cos(polar)[:, None], (5, 9)),
        ),
        -1,
    ) * np.array(radius) + np.array(center)
    corners = np.stack((surface[:-1, :-1], surface[:-1, 1:], surface[1:, 1:], surface[1:, :-1]), 2)
    v = np.linspace(0, 1, 5)
    uv = np.array([[(0, v[i]), (1, v[i]), (1, v[i + 1]), (0, v[i + 1])] for i in range(4)])
    return quads(corners.reshape(-1, 4, 3), label, tint, texture, np.repeat(uv, 8, axis=0))


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
