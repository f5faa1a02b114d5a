"""The ground of a street: road and its markings, kerbs, pavements, verges and yards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stdc_core.synthetic.classes import PAVEMENT, ROAD, TREE
from stdc_core.synthetic.plan import SIDES, Profile
from stdc_core.synthetic.shapes import Tint
from stdc_core.synthetic.site import KERB, PIECE, Site
from stdc_core.synthetic.textures import Texture
from stdc_core.synthetic.triangles import Triangles

STONE = 0.15  # metres, the kerb's width
PAINT = 0.012  # metres above the road
SIDE_STREET = 50.0  # metres to its end
YARD = 60.0  # metres to the end of the ground
WHITE: Tint = (0.95, 0.95, 0.93)
YELLOW: Tint = (1.0, 0.85, 0.25)


@dataclass(frozen=True)
class _Style:
    """Colours and markings of one street.

    :param dash: length of the dashes in the middle, metres; ``gap`` is between them.
    :param zebras: s of the zebra crossings.
    """

    road: NDArray[np.float64]
    slab: NDArray[np.float64]
    verge: bool
    yellow: bool
    dash: float
    gap: float
    zebras: NDArray[np.float64]


def _draw_style(rng: np.random.Generator, profile: Profile) -> _Style:
    gray = rng.uniform(0.36, 0.62)
    return _Style(
        road=gray * (1 + rng.normal(0, 0.03, 3)),
        slab=rng.uniform(0.55, 0.95) * (1 + rng.normal(0, 0.04, 3)),
        verge=bool(rng.random() < 0.35 + 0.4 * profile.green) and profile.pavement > 2.4,
        yellow=bool(rng.random() < 0.4) and not profile.bay,
        dash=float(rng.uniform(1.5, 4)),
        gap=float(rng.uniform(2, 6)),
        zebras=np.cumsum(rng.uniform(60, 200, 12)),
    )


def lay_ground(rng: np.random.Generator, site: Site) -> None:
    """Lay all of it."""
    plan, profile = site.plan, site.plan.profile
    style = _draw_style(rng, profile)
    half = profile.half_width
    for number in range(len(site)):
        s = number * PIECE
        shade = style.road * rng.uniform(0.95, 1.05)
        parts = [_road(site, s, (-half, half), shade)]
        for side in SIDES:
            if plan.is_junction(s + PIECE / 2, side):
                parts.append(_road(site, s, (side * half, side * SIDE_STREET), shade))
            else:
                parts += _side_of_road(rng, site, style, s, side)
        period = style.dash + style.gap
        start = np.ceil(s / period) * period
        if start < s + PIECE:
            parts.append(_line(site, start, start + style.dash, 0.0, 0.12, WHITE))
        if (np.abs(style.zebras - s) < PIECE / 2).any():
            for d in np.arange(-half + 0.4, half - 0.4, 1.1):
                parts.append(_line(site, s, s + 3.2, d + 0.3, 0.6, (0.95, 0.95, 0.95)))
        for part in parts:
            site.add(part, s)


def _road(site: Site, s: float, across: tuple[float, float], tint: Tint) -> Triangles:
    return site.strip(s, s + PIECE, across, 0.0, ROAD, tint, Texture.ASPHALT, 3.0)


def _line(site: Site, s: float, end: float, d: float, width: float, tint: Tint) -> Triangles:
    across = (d - width / 2, d + width / 2)
    return site.strip(s, end, across, PAINT, ROAD, tint, Texture.ASPHALT, 3.0)


def _side_of_road(
    rng: np.random.Generator, site: Site, style: _Style, s: float, side: int
) -> list[Triangles]:
    profile, end = site.plan.profile, s + PIECE
    half, edge = profile.half_width, profile.edge
    stone = half + STONE
    inner = half + (0.4 * profile.pavement if style.verge else 0.0)
    top = KERB + 0.005
    concrete, paving, grass = Texture.CONCRETE, Texture.PAVING, Texture.GRASS
    parts = []
    if style.verge:
        across = (side * stone, side * inner)
        parts.append(site.strip(s, end, across, KERB, TREE, (1, 1, 1), grass, 2.5))
    slabs, stones = (side * inner, side * edge), (side * half, side * stone)
    parts += [
        site.strip(s, end, slabs, KERB, PAVEMENT, style.slab, paving, 2.4),
        site.strip(s, end, stones, top, PAVEMENT, style.slab * 1.08, concrete, 2.0),
        site.upright(
            (s, end), side * half, top, 0.0, PAVEMENT, style.slab * 0.8, concrete, (2, 0.1)
        ),
    ]
    yard = (side * edge, side * YARD)
    if rng.random() < profile.green:
        parts.append(site.strip(s, end, yard, KERB - 0.01, TREE, (0.95, 1, 0.95), grass, 2.5))
    else:
        gray = (0.6, 0.6, 0.58)
        parts.append(site.strip(s, end, yard, KERB - 0.01, PAVEMENT, gray, concrete, 3.0))
    if style.yellow:
        for inset in (0.25, 0.45):
            parts.append(_line(site, s, end, side * (half - inset), 0.09, YELLOW))
    elif profile.bay:
        parts.append(_line(site, s, s + 0.6 * PIECE, side * profile.lane, 0.1, (0.9, 0.9, 0.9)))
    return parts
