"""Cars, vans and buses; they stand at the origin and look along y."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from stdc_core.synthetic.classes import CAR
from stdc_core.synthetic.shapes import Tint, box, drawn_out, tube
from stdc_core.synthetic.textures import Texture
from stdc_core.synthetic.triangles import Triangles, join, quads

PAINTS: tuple[Tint, ...] = (
    (0.78, 0.79, 0.80), (0.60, 0.62, 0.65), (0.90, 0.90, 0.88), (0.10, 0.10, 0.12),
    (0.20, 0.22, 0.27), (0.55, 0.07, 0.08), (0.10, 0.19, 0.45), (0.08, 0.28, 0.18),
    (0.75, 0.62, 0.12), (0.32, 0.25, 0.20), (0.35, 0.50, 0.62), (0.40, 0.06, 0.10),
)  # fmt: skip
BLACK, RUBBER = (0.05, 0.05, 0.055), (0.09, 0.09, 0.09)
PLAIN, GLASS = Texture.PLAIN, Texture.WINDOW
KINDS = ('hatchback', 'saloon', 'estate', 'van', 'bus', 'lorry')

# Body and cabin in side view: y ahead, z up, and half the width there.
_TAIL, _NOSE = (
    [(-2.3, 0.34), (-2.35, 0.74), (-2.26, 0.99)],
    [(2.1, 0.81), (2.25, 0.60), (2.2, 0.30)],
)
_BODIES = {
    'hatchback': (
        [(-1.95, 0.32), (-2.0, 0.75), (-1.9, 0.98), (0.75, 0.98),
         (1.85, 0.80), (1.98, 0.62), (1.95, 0.30)],
        [(-1.88, 0.97), (-1.45, 1.46), (-0.1, 1.50), (0.98, 0.97)],
    ),
    'saloon': (
        [*_TAIL, (0.85, 0.98), *_NOSE],
        [(-1.65, 0.97), (-0.95, 1.42), (0.1, 1.44), (1.05, 0.97)],
    ),
    'estate': (
        [*_TAIL, (0.85, 1.0), *_NOSE],
        [(-2.25, 0.98), (-2.0, 1.47), (0.1, 1.50), (1.05, 0.98)],
    ),
}  # fmt: skip


def _wheels(axles: tuple[float, ...], half_width: float, radius: float) -> list[Triangles]:
    parts = []
    for y in axles:
        for side in (-1, 1):
            x = side * half_width
            parts.append(
                tube((x, y, radius), (x - side * 0.2, y, radius), radius, CAR, RUBBER, sides=10)
            )
            face = [
                (x + side * 0.01, y + dy * radius, radius + dz * radius)
                for dy, dz in ((-1, 1), (1, 1), (1, -1), (-1, -1))
            ]
            parts.append(quads(face, CAR, texture=Texture.WHEEL))
    return parts


def _lamps(y: float, z: float, half_width: float, tint: Tint) -> list[Triangles]:
    return [box((side * half_width, y, z), (0.3, 0.06, 0.16), CAR, tint) for side in (-1, 1)]


def _car(kind: str, paint: Tint) -> Triangles:
    body, cabin = _BODIES[kind]
    rear, front = body[1][0], body[-2][0]
    dark = tuple(0.82 * value for value in paint)
    half = [0.80, 0.84, 0.84, 0.84, 0.80, 0.74, 0.74]
    parts = [
        drawn_out(
            body, half, CAR, [dark, paint, paint, paint, paint, dark, BLACK, paint], [PLAIN] * 8
        ),
        drawn_out(
            cabin,
            [0.80, 0.62, 0.62, 0.80],
            CAR,
            [(1, 1, 1), paint, (1, 1, 1), paint, (0.9, 0.9, 0.9)],
            [GLASS, PLAIN, GLASS, PLAIN, GLASS],
        ),
        *_wheels((rear + 0.75, front - 0.72), 0.83, 0.31),
        *_lamps(rear - 0.02, 0.74, 0.62, (0.72, 0.06, 0.05)),
        *_lamps(front + 0.0, 0.62, 0.55, (0.95, 0.95, 0.88)),
        box((0, rear - 0.04, 0.36), (1.5, 0.1, 0.2), CAR, dark),
        box((0, front + 0.02, 0.32), (1.4, 0.1, 0.2), CAR, dark),
        box((0, rear - 0.08, 0.5), (0.52, 0.04, 0.12), CAR, (0.85, 0.75, 0.15)),
        box((0, front + 0.06, 0.38), (0.52, 0.04, 0.12), CAR, (0.9, 0.9, 0.9)),
    ]
    (y0, z0), (y1, z1) = cabin[0], cabin[1]
    for side in (-1, 1):  # the pillars at the rear, the middle and the front
        for share_y in (0.04, 0.45, 0.8):
            low = cabin[0][0] + share_y * (cabin[3][0] - cabin[0][0])
            high = cabin[1][0] + share_y * (cabin[2][0] - cabin[1][0])
            parts.append(
                tube((side * 0.8, low, z0), (side * 0.63, high, z1), 0.045, CAR, paint, sides=4)
            )
        parts.append(box((side * 0.9, cabin[3][0] - 0.25, 0.98), (0.16, 0.1, 0.13), CAR, dark))
    del y0, y1
    return join(parts)


def _long_vehicle(
    length: float, width: float, height: float, paint: Tint, windows: tuple[float, float] | None
) -> Triangles:
    """Make a box on wheels: a bus with two rows of windows, a van or lorry without."""
    half = width / 2
    glass_front = [
        (-half + 0.15, length / 2 + 0.02, height - 0.25 if height < 2.4 else 2.3),
        (half - 0.15, length / 2 + 0.02, height - 0.25 if height < 2.4 else 2.3),
        (half - 0.15, length / 2 + 0.02, 1.15),
        (-half + 0.15, length / 2 + 0.02, 1.15),
    ]
    glass_rear = [(x, -y, z) for x, y, z in glass_front]
    parts = [
        box((0, 0, 0.4), (width, length, height - 0.4), CAR, paint),
        box((0, 0, 0.25), (width - 0.1, length - 0.3, 0.3), CAR, BLACK),
        quads(glass_front, CAR, texture=GLASS),
        quads(glass_rear, CAR, (0.8, 0.8, 0.8), texture=GLASS),
        *_wheels((-length / 2 + 0.22 * length, length / 2 - 0.2 * length), half + 0.01, 0.42),
        *_lamps(-length / 2 - 0.02, 0.75, half - 0.2, (0.7, 0.06, 0.05)),
        *_lamps(length / 2 + 0.02, 0.65, half - 0.25, (0.95, 0.95, 0.9)),
        box((0, -length / 2 - 0.03, 0.55), (0.52, 0.04, 0.12), CAR, (0.85, 0.75, 0.15)),
    ]
    if windows:
        for z in windows:
            for side in (-1, 1):
                x = side * (half + 0.015)
                for y in np.arange(-length / 2 + 0.5, length / 2 - 1.2, 1.4):
                    corners = [
                        (x, y, z + 0.85),
                        (x, y + 1.25, z + 0.85),
                        (x, y + 1.25, z),
                        (x, y, z),
                    ]
                    parts.append(quads(corners, CAR, texture=GLASS))
    else:
        for side in (-1, 1):
            x, y = side * (half + 0.015), length / 2 - 1.3
            corners = [(x, y, 1.85), (x, y + 0.9, 1.75), (x, y + 1.05, 1.2), (x, y, 1.2)]
            parts.append(quads(corners, CAR, texture=GLASS))
    return join(parts)


@lru_cache(maxsize=128)
def vehicle(kind: str, paint: int) -> Triangles:
    """Build one of ``KINDS`` in one of ``PAINTS``."""
    color = PAINTS[paint]
    if kind == 'van':
        return _long_vehicle(4.9, 1.9, 2.15, color, None)
    if kind == 'lorry':
        return _long_vehicle(7.2, 2.3, 3.3, color, None)
    if kind == 'bus':
        return _long_vehicle(10.5, 2.5, 4.2, color, (1.25, 2.9))
    return _car(kind, color)


def draw_vehicle(rng: np.random.Generator) -> Triangles:
    """Draw one, most of them cars."""
    kind = rng.choice(KINDS, p=[0.36, 0.24, 0.18, 0.12, 0.06, 0.04])
    return vehicle(str(kind), int(rng.integers(len(PAINTS))))
