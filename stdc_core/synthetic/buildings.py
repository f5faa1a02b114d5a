"""Houses and shops; the front is in the plane x = 0 from y = 0 on, the road at x > 0."""

from __future__ import annotations

import numpy as np

from stdc_core.synthetic.classes import BUILDING
from stdc_core.synthetic.shapes import Tint, box
from stdc_core.synthetic.textures import Texture
from stdc_core.synthetic.triangles import Triangles, join, quads

STOREY = 3.1  # metres
TILE = 6.0  # metres of a front that a texture shows: two windows
FRONTS = (
    Texture.FACADE_BRICK,
    Texture.FACADE_YELLOW_BRICK,
    Texture.FACADE_PLASTER,
    Texture.FACADE_STONE,
    Texture.FACADE_SASH,
    Texture.FACADE_OFFICE,
)
SHOPS = (Texture.SHOP_BLUE, Texture.SHOP_GREEN, Texture.SHOP_DARK)
CHIMNEY: Tint = (0.75, 0.5, 0.42)


def draw_building(rng: np.random.Generator, width: float, commercial: float) -> Triangles:
    """Draw a building.

    :param width: of its front, metres.
    :param commercial: 0 for a village, 1 for a town's centre: height and shops.
    """
    storeys = int(np.clip(rng.normal(2 + 1.6 * commercial, 0.8), 1, 6))
    depth = float(rng.uniform(8, 12))
    front = FRONTS[int(rng.integers(len(FRONTS)))]
    tint = rng.uniform(0.72, 1.05) * (1 + rng.normal(0, 0.05, 3))
    height = storeys * STOREY + 0.4
    tiles = max(1, round(width / TILE))
    parts = []
    for storey in range(storeys):
        texture = front
        shade = tint
        if storey == 0:
            if rng.random() < 0.25 + 0.7 * commercial:
                texture = SHOPS[int(rng.integers(len(SHOPS)))]
                shade = tint * rng.uniform(0.7, 1.5, 3)
            elif front in (Texture.FACADE_BRICK, Texture.FACADE_SASH):
                texture = Texture.HOUSE_FRONT
        low, high = storey * STOREY, (storey + 1) * STOREY
        u = tiles if texture is not Texture.HOUSE_FRONT else max(1, round(width / 4.5))
        strip = [(0, 0, high), (0, width, high), (0, width, low), (0, 0, low)]
        tiling = [(0, 0), (u, 0), (u, 1), (0, 1)]
        parts.append(quads(strip, BUILDING, shade, texture, tiling))
    top = storeys * STOREY
    wall = Texture.BRICK if front is not Texture.FACADE_OFFICE else Texture.CONCRETE
    for y in (0.0, width):
        side = [(0, y, top), (-depth, y, top), (-depth, y, 0), (0, y, 0)]
        uv = [(0, 0), (depth / 2.4, 0), (depth / 2.4, top / 2.4), (0, top / 2.4)]
        parts.append(quads(side, BUILDING, tint, wall, uv))
    back = [(-depth, 0, top), (-depth, width, top), (-depth, width, 0), (-depth, 0, 0)]
    parts.append(quads(back, BUILDING, tint, wall, [(0, 0), (5, 0), (5, 4), (0, 4)]))
    if front is Texture.FACADE_OFFICE or rng.random() < 0.25:
        parts += _flat_roof(width, depth, height, tint)
    else:
        parts += _gable(rng, width, depth, top, tint)
    return join(parts)


def _flat_roof(width: float, depth: float, height: float, tint: Tint) -> list[Triangles]:
    middle = (-depth / 2, width / 2, height - 0.4)
    return [box(middle, (depth + 0.25, width + 0.1, 0.55), BUILDING, tint, Texture.CONCRETE, 2.0)]


def _gable(
    rng: np.random.Generator, width: float, depth: float, top: float, tint: Tint
) -> list[Triangles]:
    """Roof with its ridge along the street, eaves, gables, perhaps a chimney and a dormer."""
    rise = float(rng.uniform(1.6, 3.4))
    ridge, eave = (-depth / 2, top + rise), 0.35
    color = rng.uniform(0.7, 1.15) * np.array(rng.choice([(1, 1, 1), (0.72, 0.78, 0.86)]))
    u, v = width / 3, depth / 6
    slopes = []
    for x in (eave, -depth - eave):
        slopes.append(
            [(ridge[0], -0.05, ridge[1]), (ridge[0], width + 0.05, ridge[1]),
             (x, width + 0.05, top - 0.1), (x, -0.05, top - 0.1)]
        )  # fmt: skip
    parts = [quads(slopes, BUILDING, color, Texture.ROOF, [(0, 0), (u, 0), (u, v), (0, v)])]
    for y in (0.0, width):
        gable = [(0, y, top), (ridge[0], y, ridge[1]), (ridge[0], y, ridge[1]), (-depth, y, top)]
        parts.append(quads(gable, BUILDING, tint, Texture.BRICK, [(0, 1), (2, 0), (2, 0), (4, 1)]))
    gutter = box(
        (eave - 0.05, width / 2, top - 0.2), (0.12, width, 0.12), BUILDING, (0.2, 0.2, 0.2)
    )
    parts.append(gutter)
    if rng.random() < 0.7:
        place = (ridge[0], float(rng.uniform(0.8, width - 0.8)), top + rise - 0.7)
        parts.append(box(place, (0.9, 1.1, 1.9), BUILDING, CHIMNEY, Texture.BRICK, 1.6))
    return parts


def draw_wall(rng: np.random.Generator, width: float) -> Triangles:
    """Draw a garden wall along the front; CamVid counts walls as buildings."""
    height = float(rng.uniform(0.7, 2.0))
    texture = Texture.BRICK if rng.random() < 0.7 else Texture.CONCRETE
    middle = (-0.15, width / 2, 0.0)
    return box(middle, (0.3, width, height), BUILDING, (0.9, 0.88, 0.86), texture, 2.0)
