"""Textures of grounds, walls and plants, which repeat in both directions."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
SIDE = 256


def noise(rng: np.random.Generator, grid: int, side: int = SIDE) -> NDArray[np.float32]:
    """Smooth noise that repeats, -1..1, shape (side, side), of ``grid`` bumps a side."""
    values = rng.uniform(-1, 1, (grid, grid)).astype(np.float32)
    padded = np.pad(values, 2, mode='wrap')
    large = cv2.resize(padded, None, fx=side / grid, fy=side / grid, interpolation=cv2.INTER_CUBIC)
    margin = 2 * side // grid
    return large[margin : margin + side, margin : margin + side].astype(np.float32)


def grain(rng: np.random.Generator, octaves: tuple[int, ...], side: int = SIDE) -> Picture:
    """Several octaves of noise, 0..255."""
    total = sum((noise(rng, grid, side) for grid in octaves), np.zeros((side, side), np.float32))
    spread = float(np.abs(total).max())
    return (127.5 + 127.5 * total / spread).astype(np.uint8)


def colored(
    rng: np.random.Generator,
    color: tuple[int, int, int],
    strength: float,
    octaves: tuple[int, ...] = (4, 16, 64, 128, 256),
) -> NDArray[np.float32]:
    """Paint a colour with grain of a relative strength; float32, shape (SIDE, SIDE, 3)."""
    shade = 1 + strength * (grain(rng, octaves).astype(np.float32) / 127.5 - 1)
    return shade[..., None] * np.array(color, np.float32)


def finished(picture: NDArray[np.float32]) -> Picture:
    """Round to bytes."""
    return np.clip(picture, 0, 255).astype(np.uint8)


def _plain(rng: np.random.Generator) -> Picture:
    return np.full((SIDE, SIDE, 3), 255, np.uint8)


def _asphalt(rng: np.random.Generator) -> Picture:
    picture = colored(rng, (200, 200, 202), 0.25)
    picture *= (1 + 0.10 * rng.standard_normal((SIDE, SIDE, 1))).astype(np.float32)
    for _ in range(3):  # a patch, a crack
        x, y = rng.integers(20, 200, 2)
        w, h = rng.integers(20, 50, 2)
        picture[y : y + h, x : x + w] *= rng.uniform(0.82, 1.1)
    steps = rng.integers(-9, 10, (24, 2)) + np.array((0, 8))
    points = np.cumsum(steps, axis=0) + np.array((90, 20))
    cv2.polylines(picture, [points.astype(np.int32)], False, (120, 120, 120), 1, cv2.LINE_AA)
    return finished(picture)


def _paving(rng: np.random.Generator) -> Picture:
    picture = colored(rng, (205, 198, 190), 0.12)
    for row in range(4):
        for column in range(4):
            slab = np.s_[64 * row : 64 * row + 64, 64 * column : 64 * column + 64]
            picture[slab] *= rng.uniform(0.88, 1.06)
    picture[::64] *= 0.68
    picture[1::64] *= 0.8
    for row in range(4):
        picture[64 * row : 64 * row + 64, 32 * (row % 2) :: 64] *= 0.7
    return finished(picture)


def _grass(rng: np.random.Generator) -> Picture:
    picture = colored(rng, (104, 116, 72), 0.4)
    for _ in range(2500):
        x, y = rng.integers(0, SIDE, 2)
        color = np.array((96, 112, 62)) * rng.uniform(0.7, 1.35)
        end = (int(x + rng.integers(-3, 4)), int(y - rng.integers(2, 7)))
        cv2.line(picture, (int(x), int(y)), end, color.tolist(), 1)
    return finished(picture)


def _leafy(rng: np.random.Generator, color: tuple[int, int, int], count: int) -> Picture:
    picture = np.full((SIDE, SIDE, 3), 0.45, np.float32) * np.array(color, np.float32)
    for number in range(count):
        x, y = (int(value) for value in rng.integers(0, SIDE, 2))
        shade = 0.5 + 0.9 * number / count * rng.uniform(0.6, 1.2)
        axes = (int(rng.integers(2, 6)), int(rng.integers(1, 4)))
        leaf = (np.array(color) * shade).tolist()
        cv2.ellipse(picture, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, leaf, -1)
    return finished(picture)


def _hedge(rng: np.random.Generator) -> Picture:
    return _leafy(rng, (70, 100, 48), 3000)


def bricks(rng: np.random.Generator, color: tuple[int, int, int], rows: int = 32) -> Picture:
    """Courses of bricks in a running bond."""
    picture = colored(rng, color, 0.15)
    height = SIDE // rows
    for row in range(rows):
        shift = (row % 2) * 12
        for column in range(-1, 11):
            x = max(0, column * 24 + shift)
            brick = picture[row * height : (row + 1) * height, x : column * 24 + shift + 24]
            brick *= rng.uniform(0.75, 1.15)
            brick[:, :1] = (185, 178, 170)
        picture[row * height] = 0.5 * picture[row * height] + (88, 85, 80)
    return finished(picture)


def _brick(rng: np.random.Generator) -> Picture:
    return bricks(rng, (165, 98, 78))


def _roof(rng: np.random.Generator) -> Picture:
    picture = colored(rng, (120, 92, 84), 0.2)
    for row in range(16):
        picture[16 * row : 16 * row + 16] *= np.linspace(1.12, 0.72, 16)[:, None, None]
        picture[16 * row : 16 * row + 16, (row % 2) * 8 :: 16] *= 0.75
    return finished(picture)


def _concrete(rng: np.random.Generator) -> Picture:
    return finished(colored(rng, (190, 188, 184), 0.14))


def _bark(rng: np.random.Generator) -> Picture:
    streaks = cv2.resize(grain(rng, (64, 128)), (SIDE, SIDE * 4))[:SIDE]
    shade = 0.45 + 0.8 * streaks[..., None].astype(np.float32) / np.float32(255)
    return finished(shade * np.array((140, 122, 102), np.float32))


def _planks(rng: np.random.Generator) -> Picture:
    picture = colored(rng, (150, 118, 84), 0.2)
    for column in range(12):
        board = picture[:, 21 * column : 21 * column + 21]
        board *= rng.uniform(0.78, 1.12)
        board[:, :2] *= 0.45
    picture[40:58] *= 0.86
    picture[190:208] *= 0.86
    return finished(picture)


DRAWINGS: dict[str, Callable[[np.random.Generator], Picture]] = {
    'plain': _plain,
    'asphalt': _asphalt,
    'paving': _paving,
    'grass': _grass,
    'hedge': _hedge,
    'brick': _brick,
    'roof': _roof,
    'concrete': _concrete,
    'bark': _bark,
    'planks': _planks,
}
