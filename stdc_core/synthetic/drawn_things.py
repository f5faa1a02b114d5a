"""Textures of things with holes and outlines: foliage, railings, signs, wheels, faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.synthetic.drawn_surfaces import SIDE, Picture, grain, noise

Rgb = tuple[int, int, int]
LARGE = 4 * SIDE  # drawn large and made smaller, outlines are smooth


def _empty(color: Rgb = (0, 0, 0)) -> Picture:
    picture = np.zeros((LARGE, LARGE, 4), np.uint8)
    picture[..., :3] = color
    return picture


def _fill(picture: Picture, points: Sequence[tuple[float, float]], color: Rgb) -> None:
    """Fill a polygon; points in 0..1."""
    polygon = (np.array(points) * LARGE).astype(np.int32)
    cv2.fillPoly(picture, [polygon], (*color, 255), cv2.LINE_AA)


def _disc(picture: Picture, radius: float, color: Rgb) -> None:
    middle = (LARGE // 2, LARGE // 2)
    cv2.circle(picture, middle, int(radius * LARGE), (*color, 255), -1, cv2.LINE_AA)


def _crown(rng: np.random.Generator, color: Rgb, narrow: bool = False) -> Picture:
    """Draw a cluster of leaves with a ragged outline, light above and dark below."""
    picture = np.zeros((LARGE, LARGE, 4), np.uint8)
    picture[..., :3] = [int(0.6 * value) for value in color]
    y, x = np.mgrid[0:LARGE, 0:LARGE].astype(np.float32) / LARGE - 0.5
    half = 0.42 * np.clip(y + 0.5, 0.03, 1) if narrow else 0.42
    reach = np.hypot(x / half * 0.45, 0 if narrow else y / 0.42 * 0.45)
    ragged = 0.10 * noise(rng, 8, LARGE) + 0.07 * noise(rng, 32, LARGE)
    picture[..., 3] = np.where((reach + ragged < 0.42) & (np.abs(y) < 0.48), 255, 0)
    count = 5200
    for number in range(count):
        px, py = rng.integers(0, LARGE, 2)
        if picture[py, px, 3] == 0 and rng.random() < 0.992:
            continue
        height = 1.15 - 0.55 * py / LARGE
        shade = height * rng.uniform(0.55, 1.05) * (0.6 + 0.5 * number / count)
        leaf = tuple(int(min(255, value * shade)) for value in color)
        axes = (int(rng.integers(8, 17)), int(rng.integers(4, 9)))
        angle = float(rng.uniform(0, 180))
        cv2.ellipse(picture, (int(px), int(py)), axes, angle, 0, 360, (*leaf, 255), -1)
    holes = (noise(rng, 24, LARGE) + 0.6 * noise(rng, 64, LARGE)) > 0.9
    picture[holes, 3] = 0
    return picture


def _leaves(rng: np.random.Generator) -> Picture:
    return _crown(rng, (132, 150, 84))


def _conifer(rng: np.random.Generator) -> Picture:
    return _crown(rng, (84, 112, 74), narrow=True)


def _branches(rng: np.random.Generator) -> Picture:
    """Draw a bare tree: branches that fork into twigs."""
    picture = _empty((124, 108, 96))

    def grow(x: float, y: float, angle: float, length: float, width: float, depth: int) -> None:
        end = (x + length * np.sin(angle), y - length * np.cos(angle))
        shade = rng.uniform(0.75, 1.25)
        color = tuple(int(value * shade) for value in (128, 112, 98))
        cv2.line(
            picture,
            (int(x), int(y)),
            (int(end[0]), int(end[1])),
            (*color, 255),
            max(5, int(width)),
            cv2.LINE_AA,
        )
        if depth == 0:
            return
        for _ in range(3 if depth > 2 else 4):
            turn = angle + rng.uniform(-0.75, 0.75)
            share = rng.uniform(0.62, 0.85)
            start = rng.uniform(0.55, 1.0)
            grow(
                x + start * length * np.sin(angle),
                y - start * length * np.cos(angle),
                turn,
                length * share,
                width * 0.62,
                depth - 1,
            )

    for angle in (-0.5, -0.15, 0.2, 0.55):
        grow(LARGE / 2, 0.98 * LARGE, angle, 0.26 * LARGE, 22, 5)
    return picture


def _railing(rng: np.random.Generator) -> Picture:
    picture = _empty((40, 42, 44))
    bar = (44, 46, 48)
    for y in (0.06, 0.88):
        _fill(picture, [(0, y), (1, y), (1, y + 0.05), (0, y + 0.05)], bar)
    for number in range(8):
        x = number / 8 + 0.04
        _fill(picture, [(x, 0.0), (x + 0.045, 0.0), (x + 0.045, 1), (x, 1)], bar)
    return picture


def _guard_rail(rng: np.random.Generator) -> Picture:
    picture = _empty((150, 152, 155))
    steel = (165, 168, 172)
    for y in (0.0, 0.46, 0.92):
        _fill(picture, [(0, y), (1, y), (1, y + 0.08), (0, y + 0.08)], steel)
    for number in range(6):
        x = number / 6 + 0.06
        _fill(picture, [(x, 0), (x + 0.035, 0), (x + 0.035, 1), (x, 1)], steel)
    return picture


def _text(
    picture: Picture, words: str, place: tuple[float, float], size: float, color: Rgb
) -> None:
    x, y = (int(value * LARGE) for value in place)
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(picture, words, (x, y), font, size, (*color, 255), int(7 * size), cv2.LINE_AA)


def _limit_sign(rng: np.random.Generator) -> Picture:
    picture = _empty((190, 30, 30))
    _disc(picture, 0.48, (196, 28, 34))
    _disc(picture, 0.37, (245, 245, 242))
    _text(picture, '30', (0.22, 0.62), 11, (20, 20, 20))
    return picture


def _warning_sign(rng: np.random.Generator) -> Picture:
    picture = _empty((190, 30, 30))
    _fill(picture, [(0.5, 0.03), (0.98, 0.9), (0.02, 0.9)], (200, 30, 36))
    _fill(picture, [(0.5, 0.2), (0.84, 0.81), (0.16, 0.81)], (246, 246, 240))
    _fill(picture, [(0.47, 0.38), (0.53, 0.38), (0.53, 0.76), (0.47, 0.76)], (20, 20, 20))
    return picture


def _blue_sign(rng: np.random.Generator) -> Picture:
    picture = _empty((30, 80, 170))
    _disc(picture, 0.48, (28, 84, 178))
    _fill(picture, [(0.45, 0.25), (0.55, 0.25), (0.55, 0.6), (0.45, 0.6)], (245, 245, 245))
    _fill(picture, [(0.3, 0.55), (0.7, 0.55), (0.5, 0.8)], (245, 245, 245))
    return picture


def _no_entry_sign(rng: np.random.Generator) -> Picture:
    picture = _empty((200, 30, 30))
    _disc(picture, 0.48, (204, 26, 32))
    _fill(picture, [(0.2, 0.42), (0.8, 0.42), (0.8, 0.58), (0.2, 0.58)], (246, 246, 246))
    return picture


def _direction_sign(rng: np.random.Generator) -> Picture:
    picture = np.full((LARGE, LARGE, 4), 255, np.uint8)
    picture[..., :3] = (30, 92, 66)
    cv2.rectangle(picture, (20, 20), (LARGE - 20, LARGE - 20), (240, 240, 235, 255), 22)
    _text(picture, 'Centre', (0.12, 0.34), 6, (245, 245, 240))
    _text(picture, 'Ring rd', (0.12, 0.62), 6, (245, 245, 240))
    _text(picture, 'A 1307', (0.12, 0.88), 6, (240, 210, 60))
    return picture


def _traffic_light(rng: np.random.Generator) -> Picture:
    picture = np.full((LARGE, LARGE, 4), 255, np.uint8)
    picture[..., :3] = (22, 22, 24)
    cv2.rectangle(picture, (0, 0), (LARGE - 1, LARGE - 1), (200, 200, 196, 255), 60)
    colors = ((70, 18, 16), (80, 58, 14), (40, 235, 130))
    for place, color in zip((0.2, 0.5, 0.8), colors, strict=True):
        middle = (LARGE // 2, int(place * LARGE))
        axes = (int(0.3 * LARGE), int(0.11 * LARGE))
        cv2.ellipse(picture, middle, axes, 0, 0, 360, (*color, 255), -1, cv2.LINE_AA)
    return picture


def _wheel(rng: np.random.Generator) -> Picture:
    picture = _empty((20, 20, 21))
    _disc(picture, 0.49, (24, 24, 25))
    _disc(picture, 0.33, (150, 152, 156))
    for number in range(5):
        angle = 2 * np.pi * number / 5
        points = [
            (0.5 + r * np.cos(angle + d), 0.5 + r * np.sin(angle + d))
            for r, d in ((0.1, -0.5), (0.3, -0.33), (0.3, 0.33), (0.1, 0.5))
        ]
        _fill(picture, points, (62, 63, 66))
    _disc(picture, 0.06, (170, 170, 172))
    return picture


def _bicycle_wheel(rng: np.random.Generator) -> Picture:
    picture = _empty((30, 30, 32))
    middle = (LARGE // 2, LARGE // 2)
    for number in range(10):
        angle = np.pi * number / 10
        reach = np.array((np.cos(angle), np.sin(angle))) * 0.45 * LARGE
        ends = [tuple(int(v) for v in np.array(middle) + sign * reach) for sign in (-1, 1)]
        cv2.line(picture, ends[0], ends[1], (120, 122, 126, 255), 8, cv2.LINE_AA)
    cv2.circle(picture, middle, int(0.455 * LARGE), (26, 26, 28, 255), 72, cv2.LINE_AA)
    return picture


def _window(rng: np.random.Generator) -> Picture:
    glass = np.linspace((120, 140, 158), (26, 32, 40), SIDE)[:, None]
    streaks = 1 + 0.25 * noise(rng, 4)[..., None]
    return np.clip(np.broadcast_to(glass, (SIDE, SIDE, 3)) * streaks, 0, 255).astype(np.uint8)


def _face(rng: np.random.Generator) -> Picture:
    picture = np.full((SIDE, SIDE, 3), (206, 160, 136), np.uint8)
    picture[:90] = (64, 46, 36)
    cv2.circle(picture, (92, 128), 12, (40, 30, 28), -1)
    cv2.circle(picture, (164, 128), 12, (40, 30, 28), -1)
    cv2.line(picture, (104, 200), (152, 200), (140, 70, 66), 8)
    return picture


def _skyline(rng: np.random.Generator) -> Picture:
    """Far trees, below a ragged edge."""
    picture = np.zeros((SIDE, SIDE, 4), np.uint8)
    texture = grain(rng, (16, 64, 128)).astype(np.float32)[..., None] / 255
    picture[..., :3] = (0.6 + 0.5 * texture) * np.array((92, 104, 84), np.float32)
    edge = 90 + 45 * noise(rng, 4)[0] + 25 * noise(rng, 16)[0] + 10 * noise(rng, 64)[0]
    picture[..., 3] = np.where(np.arange(SIDE)[:, None] > edge, 255, 0)
    return picture


DRAWINGS: dict[str, Callable[[np.random.Generator], NDArray[np.uint8]]] = {
    'leaves': _leaves,
    'conifer': _conifer,
    'branches': _branches,
    'railing': _railing,
    'guard_rail': _guard_rail,
    'limit_sign': _limit_sign,
    'warning_sign': _warning_sign,
    'blue_sign': _blue_sign,
    'no_entry_sign': _no_entry_sign,
    'direction_sign': _direction_sign,
    'traffic_light': _traffic_light,
    'wheel': _wheel,
    'bicycle_wheel': _bicycle_wheel,
    'window': _window,
    'face': _face,
    'skyline': _skyline,
}
