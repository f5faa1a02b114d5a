"""Textures of house fronts: one storey of two window bays, or a ground floor."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.synthetic.drawn_surfaces import SIDE, Picture, bricks, colored, finished

Rgb = tuple[int, int, int]


def _window(
    picture: NDArray[np.float32],
    rng: np.random.Generator,
    box: tuple[int, int, int, int],
    frame: Rgb,
    panes: tuple[int, int],
) -> None:
    """Draw a window: reveal, sill, frame, glass that mirrors the sky, perhaps a curtain."""
    left, top, right, bottom = box
    cv2.rectangle(picture, (left - 5, top - 6), (right + 5, bottom + 3), (150, 145, 138), -1)
    cv2.rectangle(picture, (left - 8, bottom + 2), (right + 8, bottom + 9), (205, 202, 196), -1)
    cv2.rectangle(picture, (left - 8, bottom + 10), (right + 8, bottom + 12), (90, 85, 80), -1)
    glass = np.linspace((118, 138, 158), (40, 48, 58), bottom - top)[:, None]
    picture[top:bottom, left:right] = glass * rng.uniform(0.6, 1.15)
    if rng.random() < 0.5:
        curtain = int(rng.uniform(0.15, 0.4) * (right - left))
        picture[top:bottom, left : left + curtain] = rng.uniform(150, 220)
        picture[top:bottom, right - curtain : right] = rng.uniform(150, 220)
    columns, rows = panes
    for column in range(columns + 1):
        x = left + column * (right - left) // columns
        cv2.line(picture, (x, top), (x, bottom), frame, 3)
    for row in range(rows + 1):
        y = top + row * (bottom - top) // rows
        cv2.line(picture, (left, y), (right, y), frame, 3)


def _storey(
    rng: np.random.Generator,
    wall: Callable[[np.random.Generator], Picture],
    frame: Rgb,
    panes: tuple[int, int],
    width: int,
    height: int,
) -> Picture:
    picture = wall(rng).astype(np.float32)
    for middle in (64, 192):
        top = 40 + int(rng.integers(0, 3))
        box = (middle - width // 2, top, middle + width // 2, top + height)
        _window(picture, rng, box, frame, panes)
    picture[:7] *= 0.86  # a string course between the storeys
    picture[7:10] *= 1.1
    return finished(picture)


def _render(color: Rgb, rng: np.random.Generator) -> Picture:
    return finished(colored(rng, color, 0.08))


def _ashlar(rng: np.random.Generator) -> Picture:
    picture = colored(rng, (196, 184, 160), 0.12)
    for row in range(8):
        picture[32 * row : 32 * row + 2] *= 0.7
        picture[32 * row : 32 * row + 32, (row % 2) * 32 :: 64] *= 0.75
    return finished(picture)


def _office(rng: np.random.Generator) -> Picture:
    picture = colored(rng, (150, 155, 160), 0.06)
    for column in range(4):
        box = np.s_[30:225, 64 * column + 4 : 64 * column + 60]
        sky = np.linspace((140, 165, 190), (60, 75, 90), 195)[:, None]
        picture[box] = sky * rng.uniform(0.6, 1.1)
    picture[120:124] = (95, 98, 102)
    return finished(picture)


def _shop(color: Rgb, rng: np.random.Generator) -> Picture:
    """Fascia with lettering, display windows, a door, stall riser."""
    picture = np.full((SIDE, SIDE, 3), color, np.float32)
    picture[:16] *= 0.7
    cv2.rectangle(picture, (0, 16), (SIDE, 72), [int(0.85 * c) for c in color], -1)
    bright = (235, 225, 190)
    x = 34
    while x < 215:  # letters that nobody reads
        width = int(rng.integers(9, 18))
        kind = int(rng.integers(3))
        if kind == 0:
            cv2.rectangle(picture, (x, 28), (x + width - 5, 60), bright, 4)
        elif kind == 1:
            cv2.line(picture, (x, 60), (x + width // 2, 28), bright, 4)
            cv2.line(picture, (x + width // 2, 28), (x + width, 60), bright, 4)
        else:
            cv2.line(picture, (x, 28), (x, 60), bright, 5)
        x += width + 4 + (14 if rng.random() < 0.15 else 0)
    glass = np.linspace((120, 135, 145), (38, 44, 50), 138)[:, None]
    for left, right in ((12, 98), (158, 244)):
        picture[84:222, left:right] = glass
        for _ in range(9):  # what is for sale
            x, y = int(rng.integers(left + 6, right - 18)), int(rng.integers(130, 205))
            goods = rng.integers(60, 240, 3).tolist()
            cv2.rectangle(picture, (x, y), (x + 12, y + 14), goods, -1)
        cv2.rectangle(picture, (left, 84), (right, 222), [int(0.6 * c) for c in color], 4)
    picture[84:250, 108:148] = (50, 52, 56)
    cv2.rectangle(picture, (108, 84), (148, 250), [int(0.55 * c) for c in color], 5)
    picture[250:] *= 0.6
    return finished(picture)


def _house_front(rng: np.random.Generator) -> Picture:
    picture = bricks(rng, (168, 120, 92)).astype(np.float32)
    _window(picture, rng, (28, 60, 112, 180), (238, 238, 234), (2, 2))
    cv2.rectangle(picture, (160, 56), (226, 255), (225, 222, 215), -1)
    door = [int(value) for value in rng.integers(30, 130, 3)]
    cv2.rectangle(picture, (170, 84), (216, 255), door, -1)
    cv2.rectangle(picture, (170, 62), (216, 80), (90, 105, 120), -1)
    for top in (98, 172):
        cv2.rectangle(picture, (178, top), (208, top + 56), [int(0.7 * c) for c in door], 3)
    return finished(picture)


RED, YELLOW = (160, 92, 74), (190, 165, 118)
WHITE = (236, 234, 228)

DRAWINGS: dict[str, Callable[[np.random.Generator], Picture]] = {
    'facade_brick': lambda rng: _storey(rng, partial(bricks, color=RED), WHITE, (2, 2), 62, 130),
    'facade_yellow_brick': lambda rng: _storey(
        rng, partial(bricks, color=YELLOW), WHITE, (3, 4), 58, 138
    ),
    'facade_plaster': lambda rng: _storey(
        rng, partial(_render, (222, 214, 198)), (70, 68, 66), (2, 1), 66, 120
    ),
    'facade_stone': lambda rng: _storey(rng, _ashlar, (84, 78, 70), (2, 3), 48, 150),
    'facade_office': _office,
    'facade_sash': lambda rng: _storey(
        rng, partial(_render, (205, 198, 190)), WHITE, (3, 2), 78, 116
    ),
    'shop_blue': partial(_shop, (52, 72, 120)),
    'shop_green': partial(_shop, (44, 84, 66)),
    'shop_dark': partial(_shop, (72, 54, 52)),
    'house_front': _house_front,
}
