"""What stands at the side of the street; at the origin, the road at x > 0."""

from __future__ import annotations

import numpy as np

from stdc_core.synthetic.classes import FENCE, POLE, SIGN, TREE
from stdc_core.synthetic.shapes import Tint, box, card, tube
from stdc_core.synthetic.textures import Texture
from stdc_core.synthetic.triangles import Triangles, join, quads

SIGNS = (
    Texture.LIMIT_SIGN,
    Texture.WARNING_SIGN,
    Texture.BLUE_SIGN,
    Texture.NO_ENTRY_SIGN,
)
STEEL: tuple[Tint, ...] = (
    (0.42, 0.44, 0.46),
    (0.15, 0.16, 0.17),
    (0.30, 0.36, 0.33),
    (0.62, 0.63, 0.64),
)


def _steel(rng: np.random.Generator) -> Tint:
    return STEEL[int(rng.integers(len(STEEL)))]


def draw_tree(rng: np.random.Generator, bare: bool) -> Triangles:
    """Draw a tree: bare, leafy or a conifer."""
    height = float(rng.uniform(4.5, 11))
    tint = rng.uniform(0.65, 1.15) * (1 + rng.normal(0, 0.08, 3))
    turn = float(rng.uniform(0, np.pi))
    if rng.random() < 0.12:
        width = 0.42 * height
        cards = [
            card((0, 0, 0.4), width, height, turn + angle, TREE, Texture.CONIFER, tint)
            for angle in np.arange(3) * np.pi / 3
        ]
        return join([tube((0, 0, 0), (0, 0, 1), 0.13, TREE, (0.5, 0.42, 0.36)), *cards])
    stem = height * float(rng.uniform(0.22, 0.36))
    thick = 0.018 * height + 0.04
    trunk = tube((0, 0, 0), (0, 0, stem + 0.4), (thick, 0.75 * thick), TREE, tint, Texture.BARK)
    parts = [trunk]
    if bare:
        size = height - stem
        for angle in (0.0, np.pi / 2.2):
            place = (0, 0, stem + 0.1)
            parts.append(card(place, 1.0 * size, size, turn + angle, TREE, Texture.BRANCHES, tint))
        return join(parts)
    parts.append(
        tube((0, 0, stem), (0, 0, 0.8 * height), (0.7 * thick, 0.05), TREE, tint, Texture.BARK)
    )
    radius = 0.5 * (height - stem)
    for number in range(7):
        share = rng.uniform(0.75, 1.05)
        offset = rng.normal(0, 0.22, 3) * radius * (number > 1)
        place = (offset[0], offset[1], stem * 0.9 + offset[2] * 0.6)
        side = 2.3 * radius * share * (1.0 if number < 2 else 0.75)
        shade = tint * rng.uniform(0.8, 1.15, 3)
        parts.append(
            card(place, side, side, turn + number * np.pi / 3.3, TREE, Texture.LEAVES, shade)
        )
    return join(parts)


def draw_hedge(rng: np.random.Generator, width: float) -> Triangles:
    """Draw a hedge along y."""
    height = float(rng.uniform(0.8, 2.2))
    tint = rng.uniform(0.75, 1.2) * np.ones(3)
    return box((-0.4, width / 2, 0), (0.8, width, height), TREE, tint, Texture.HEDGE, 1.6)


def draw_bush(rng: np.random.Generator) -> Triangles:
    """Draw a bush."""
    size = float(rng.uniform(0.8, 2.2))
    tint = rng.uniform(0.7, 1.2) * np.ones(3)
    cards = [
        card((0, 0, -0.2 * size), 1.4 * size, 1.2 * size, angle, TREE, Texture.LEAVES, tint)
        for angle in np.arange(3) * np.pi / 3
    ]
    return join(cards)


def draw_fence(rng: np.random.Generator, width: float, *, guard: bool) -> Triangles:
    """Draw a fence along y: railings or boards, or the guard rail of a kerb."""
    texture, height, tile = Texture.GUARD_RAIL, 1.05, 1.6
    tint: Tint = (1.0, 1.0, 1.0)
    if not guard:
        if rng.random() < 0.45:
            texture, height, tile = Texture.RAILING, float(rng.uniform(1.0, 1.9)), 1.1
        else:
            texture, height, tile = Texture.PLANKS, float(rng.uniform(1.2, 1.9)), 2.4
        tint = rng.uniform(0.7, 1.15) * np.ones(3)
    corners = [(0, 0, height), (0, width, height), (0, width, 0), (0, 0, 0)]
    tiles = width / tile
    panel = quads(corners, FENCE, tint, texture, [(0, 0), (tiles, 0), (tiles, 1), (0, 1)])
    posts = [
        box((0, float(y), 0), (0.08, 0.08, height + 0.06), FENCE, 0.6 * np.array(tint))
        for y in np.linspace(0, width, max(2, round(width / 2.4) + 1))
    ]
    return join([panel, *posts])


def draw_lamp_post(rng: np.random.Generator) -> Triangles:
    """Draw a lamp post whose arm reaches over the road."""
    color, height = _steel(rng), float(rng.uniform(5, 9.5))
    reach = float(rng.uniform(0.6, 2.2))
    parts = [
        tube((0, 0, 0), (0, 0, height), (0.085, 0.05), POLE, color, sides=8),
        tube((0, 0, 0), (0, 0, 1.1), 0.12, POLE, color, sides=8),
        tube((0, 0, height - 0.05), (reach, 0, height + 0.25), 0.04, POLE, color, sides=5),
        box((reach + 0.2, 0, height + 0.2), (0.6, 0.22, 0.14), POLE, (0.75, 0.75, 0.72)),
    ]
    return join(parts)


def draw_bollard(rng: np.random.Generator) -> Triangles:
    """Draw a bollard."""
    color = _steel(rng)
    return tube((0, 0, 0), (0, 0, float(rng.uniform(0.8, 1.1))), 0.075, POLE, color, sides=8)


def draw_telegraph_pole(rng: np.random.Generator) -> Triangles:
    """Draw a wooden pole with a crossbar."""
    wood = (0.42, 0.34, 0.27)
    height = float(rng.uniform(6.5, 8.5))
    return join(
        [
            tube((0, 0, 0), (0, 0, height), (0.14, 0.1), POLE, wood, Texture.BARK, sides=8),
            box((0, 0, height - 0.7), (1.2, 0.1, 0.1), POLE, wood),
        ]
    )


def draw_sign(rng: np.random.Generator) -> Triangles:
    """Draw a traffic sign, or two on one post, or a board that names places."""
    color = _steel(rng)
    if rng.random() < 0.18:
        width, height = float(rng.uniform(1.2, 2.4)), float(rng.uniform(0.9, 1.5))
        tint = ((1, 1, 1), (0.4, 0.9, 2.0))[int(rng.integers(2))]
        low = float(rng.uniform(1.2, 2.2))
        posts = [
            tube((x, 0.03, 0), (x, 0.03, low + height), 0.045, POLE, color)
            for x in (-0.35 * width, 0.35 * width)
        ]
        board = card((0, 0, low), width, height, 0.0, SIGN, Texture.DIRECTION_SIGN, tint)
        return join([*posts, board])
    low, size = float(rng.uniform(1.9, 2.5)), float(rng.uniform(0.6, 0.95))
    parts = [tube((0, 0.04, 0), (0, 0.04, low + size), 0.038, POLE, color)]
    for number in range(1 + int(rng.random() < 0.3)):
        face = SIGNS[int(rng.integers(len(SIGNS)))]
        place = (0, 0, low - number * (size + 0.05))
        parts.append(card(place, size, size, 0.0, SIGN, face))
    return join(parts)


def draw_traffic_light(rng: np.random.Generator) -> Triangles:
    """Draw a traffic light; CamVid counts its head as a sign."""
    color = _steel(rng)
    low = float(rng.uniform(2.1, 2.7))
    head = box((0, 0.0, low), (0.34, 0.22, 1.0), SIGN, (0.09, 0.09, 0.1))
    face = card((0, -0.12, low + 0.02), 0.3, 0.95, 0.0, SIGN, Texture.TRAFFIC_LIGHT)
    return join([tube((0, 0.05, 0), (0, 0.05, low), 0.055, POLE, color, sides=8), head, face])
