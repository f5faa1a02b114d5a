"""What stands along a street: houses, gardens, walls, lamp posts, signs, trees, parked cars."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stdc_core.synthetic.buildings import draw_building, draw_wall
from stdc_core.synthetic.classes import TREE
from stdc_core.synthetic.ground import SIDE_STREET
from stdc_core.synthetic.plan import JUNCTION, Plan
from stdc_core.synthetic.scenery import (
    draw_bollard,
    draw_bush,
    draw_fence,
    draw_hedge,
    draw_lamp_post,
    draw_sign,
    draw_telegraph_pole,
    draw_traffic_light,
    draw_tree,
)
from stdc_core.synthetic.site import Site
from stdc_core.synthetic.textures import Texture
from stdc_core.synthetic.vehicles import draw_vehicle

FAR_TREES = 62.0  # metres from the street's middle


def put_houses(rng: np.random.Generator, site: Site, side: int) -> None:
    """Put houses and gardens along one side, houses at the end of every side street, far trees."""
    plan, profile = site.plan, site.plan.profile
    s = 0.0
    while s < plan.end:
        width = float(rng.choice([6, 6, 12, 12, 18]))
        if rng.random() < 0.4 * profile.green:
            width = float(rng.uniform(8, 25))
            _put_garden(rng, site, side, s, width)
        elif not plan.touches_junction(s, width, side):
            set_back = float(rng.choice([0.0, rng.uniform(0, 5 * profile.green)]))
            building = draw_building(rng, width, profile.commercial)
            site.line_up(building, s, width, side * (profile.edge + set_back + 0.05))
            if set_back > 2:
                _put_front(rng, site, side, s, width)
        else:
            width = 3.0
        s += width + float(rng.choice([0.0, rng.uniform(0, 6 * profile.green)]))
    for junction in plan.junctions[side]:
        for s in np.arange(junction - JUNCTION, junction + 2 * JUNCTION, JUNCTION):
            if 0 < s < plan.end:
                building = draw_building(rng, JUNCTION, profile.commercial)
                site.line_up(building, s, JUNCTION, side * SIDE_STREET)
    for s in np.arange(0, plan.end, 24.0):
        height = float(rng.uniform(7, 14))
        tint = rng.uniform(0.7, 1.2) * np.ones(3)
        far = side * FAR_TREES
        site.add(site.upright((s, s + 25), far, height, 0.0, TREE, tint, Texture.SKYLINE), s)


def _put_garden(rng: np.random.Generator, site: Site, side: int, s: float, width: float) -> None:
    """Put a garden with trees, and perhaps a house at its back."""
    plan, edge = site.plan, site.plan.profile.edge
    _put_front(rng, site, side, s, width)
    for _ in range(int(rng.integers(1, 5))):
        if plan.is_junction(s, side, 3):
            continue
        place = s + float(rng.uniform(0, width))
        d = side * (edge + float(rng.uniform(2, 14)))
        if not plan.is_junction(place, side, 2):
            site.put(draw_tree(rng, plan.profile.bare), place, d)
    if rng.random() < 0.6 and not plan.is_junction(s + width / 2, side, 8):
        house_width = min(width, 12.0)
        building = draw_building(rng, house_width, 0.2)
        site.line_up(building, s, house_width, side * (edge + float(rng.uniform(10, 18))))


def _put_front(rng: np.random.Generator, site: Site, side: int, s: float, width: float) -> None:
    """Close a garden towards the pavement."""
    if site.plan.touches_junction(s, width, side):
        return
    d = side * (site.plan.profile.edge + 0.05)
    kind = rng.choice(['wall', 'hedge', 'fence', 'open'], p=[0.2, 0.3, 0.4, 0.1])
    if kind == 'wall':
        site.line_up(draw_wall(rng, width), s, width, d)
    elif kind == 'hedge':
        site.line_up(draw_hedge(rng, width), s, width, d)
    elif kind == 'fence':
        site.line_up(draw_fence(rng, width, guard=False), s, width, d)
    for _ in range(int(rng.integers(0, 3))):
        site.put(draw_bush(rng), s + float(rng.uniform(0, width)), d + side * 1.2)


def _spread(
    rng: np.random.Generator, plan: Plan, side: int, least: float, greatest: float
) -> NDArray[np.float64]:
    """Draw places along one side, that far from each other, and in no street's way."""
    count = int(2 * plan.end / (least + greatest)) + 4
    places = np.cumsum(rng.uniform(least, greatest, count)) - least / 2
    free = [not plan.is_junction(s, side, 1.5) for s in places]
    return places[np.array(free) & (places < plan.end)]


def put_furniture(rng: np.random.Generator, site: Site, side: int) -> None:
    """Put lamp posts, signs, bollards, railings, street trees and parked cars along one side."""
    plan, profile = site.plan, site.plan.profile
    kerb = side * (profile.half_width + 0.45)
    distance = float(rng.uniform(18, 34))
    for s in _spread(rng, plan, side, 0.9 * distance, 1.1 * distance):
        site.put(draw_lamp_post(rng), s, kerb)
    for s in _spread(rng, plan, side, 9, 40):
        site.put(draw_sign(rng), s, kerb + side * float(rng.uniform(0, 0.6)), turned=False)
    for s in _spread(rng, plan, side, 60, 160):
        for offset in np.arange(float(rng.integers(2, 7))) * 1.6:
            if not plan.is_junction(s + offset, side, 1):
                site.put(draw_bollard(rng), s + offset, kerb - side * 0.15)
    for s in _spread(rng, plan, side, 40, 120):
        if not plan.is_junction(s + 10, side, 6):
            length = float(rng.uniform(6, 16))
            guard = bool(rng.random() < 0.5)
            site.line_up(draw_fence(rng, length, guard=guard), s, length, kerb - side * 0.2)
    if rng.random() < 0.5:
        for s in _spread(rng, plan, side, 7, 22):
            site.put(draw_tree(rng, profile.bare), s, kerb + side * 0.35)
    if rng.random() < 0.3:
        for s in _spread(rng, plan, side, 30, 50):
            site.put(draw_telegraph_pole(rng), s, side * (profile.edge - 0.3))
    for junction in plan.junctions[side]:
        if rng.random() < 0.6:
            for s in (junction - 1.2, junction + JUNCTION + 1.2):
                site.put(draw_traffic_light(rng), s, kerb, turned=False)
    if profile.bay:
        for s in _spread(rng, plan, side, 5.4, 13):
            if not plan.is_junction(s, side, 4):
                site.put(draw_vehicle(rng), s, side * (profile.lane + 1.02), z=0.0)
