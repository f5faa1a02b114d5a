"""The rendered street's textures, all of them drawn by this file, and their mip pyramids."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, auto
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.synthetic import drawn_facades, drawn_surfaces, drawn_things

SIDE = 256
LEVELS = 9  # 256 pixels a side to 1


class Texture(IntEnum):
    """Every texture, by its place in the atlas."""

    PLAIN = 0
    ASPHALT = auto()
    PAVING = auto()
    GRASS = auto()
    HEDGE = auto()
    BRICK = auto()
    ROOF = auto()
    CONCRETE = auto()
    BARK = auto()
    PLANKS = auto()
    FACADE_BRICK = auto()
    FACADE_YELLOW_BRICK = auto()
    FACADE_PLASTER = auto()
    FACADE_STONE = auto()
    FACADE_OFFICE = auto()
    FACADE_SASH = auto()
    SHOP_BLUE = auto()
    SHOP_GREEN = auto()
    SHOP_DARK = auto()
    HOUSE_FRONT = auto()
    LEAVES = auto()
    CONIFER = auto()
    BRANCHES = auto()
    RAILING = auto()
    GUARD_RAIL = auto()
    LIMIT_SIGN = auto()
    WARNING_SIGN = auto()
    BLUE_SIGN = auto()
    NO_ENTRY_SIGN = auto()
    DIRECTION_SIGN = auto()
    TRAFFIC_LIGHT = auto()
    WHEEL = auto()
    BICYCLE_WHEEL = auto()
    WINDOW = auto()
    FACE = auto()
    SKYLINE = auto()


def _draw(texture: Texture, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw one texture, RGBA, SIDE x SIDE."""
    name = texture.name.lower()
    for source in (drawn_surfaces, drawn_facades, drawn_things):
        if name in source.DRAWINGS:
            drawn = source.DRAWINGS[name](rng)
            break
    else:
        raise AssertionError(f'nobody draws {name}')
    if drawn.shape[2] == 3:
        drawn = np.dstack((drawn, np.full(drawn.shape[:2], 255, np.uint8)))
    return cv2.resize(drawn, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


@dataclass(frozen=True)
class Atlas:
    """All textures with their smaller versions in one array.

    :param pixels: uint8, RGBA one after the other.
    :param starts: int64, shape (textures, LEVELS), where each level's pixels begin.
    :param has_holes: bool, shape (textures,): some alpha is below one half, and cuts.
    """

    pixels: NDArray[np.uint8]
    starts: NDArray[np.int64]
    has_holes: NDArray[np.bool_]


@cache
def atlas() -> Atlas:
    """Draw all textures, once a process; always the same."""
    levels: list[NDArray[np.uint8]] = []
    starts = np.empty((len(Texture), LEVELS), np.int64)
    has_holes = np.zeros(len(Texture), np.bool_)
    place = 0
    for texture in Texture:
        picture = _draw(texture, np.random.default_rng([2104, 13188, texture]))
        has_holes[texture] = bool((picture[..., 3] < 128).any())
        for level, smaller in enumerate(_pyramid(picture)):
            starts[texture, level] = place
            place += smaller.size
            levels.append(smaller.ravel())
    return Atlas(np.concatenate(levels), starts, has_holes)


def _pyramid(picture: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Halve a picture down to one pixel; cut-outs keep their share, so bars do not thin out."""
    share = float((picture[..., 3] >= 128).mean())
    alpha = picture[..., 3:].astype(np.float32) / 255
    current = np.concatenate((picture[..., :3] * alpha, alpha), 2)  # colours weighed by alpha
    pyramid = [picture]
    for _ in range(1, LEVELS):
        current = 0.25 * (
            current[::2, ::2] + current[1::2, ::2] + current[::2, 1::2] + current[1::2, 1::2]
        )
        colors = current[..., :3] / np.maximum(current[..., 3:], 1e-3)
        covered = current[..., 3]
        limit = float(np.quantile(covered, 1 - share)) if share < 1 else 0.5
        kept = covered >= max(limit, 1e-3)
        level = np.dstack((colors, np.where(kept, 255.0, 0.0)))
        pyramid.append(np.clip(level + 0.5, 0, 255).astype(np.uint8))
    return pyramid
