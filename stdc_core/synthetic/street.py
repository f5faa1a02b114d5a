"""A street: its course, the ground, everything along it, and who moves on it.

Places in a street are ``s``, metres along its middle, and ``d``, metres to the right of it.
Traffic keeps to the left, as in CamVid's Cambridge.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stdc_core.synthetic.buildings import draw_building, draw_wall
from stdc_core.synthetic.classes import PAVEMENT, ROAD, TREE
from stdc_core.synthetic.people import CLOTHES, STRIDE, Person, cyclist, draw_person, pedestrian
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
from stdc_core.synthetic.shapes import Tint
from stdc_core.synthetic.textures import Texture
from stdc_core.synthetic.triangles import Triangles, join, quads
from stdc_core.synthetic.vehicles import draw_vehicle

VISIBLE = 150.0  # metres ahead that are drawn
BEHIND = 12.0
STRIP = 4.0  # metres of ground in one piece
KERB = 0.12  # metres
POSES = 16  # of one step, or one turn of the cranks
TURN = 4.0  # metres a bicycle moves in one turn of its cranks


@dataclass(frozen=True)
class Course:
    """The middle of the street as a smooth curve.

    :param heading: radians at every metre.
    :param places: x, y at every metre, shape (N, 2).
    """

    heading: NDArray[np.float64]
    places: NDArray[np.float64]

    def at(self, s: ArrayLike, d: ArrayLike = 0.0) -> tuple[NDArray[np.float64], ...]:
        """Find x, y and heading of places along the street."""
        steps = np.arange(len(self.heading))
        heading = np.interp(s, steps, self.heading)
        x = np.interp(s, steps, self.places[:, 0]) + d * np.cos(heading)
        y = np.interp(s, steps, self.places[:, 1]) + d * np.sin(heading)
        return x, y, heading


def draw_course(rng: np.random.Generator, length: float) -> Course:
    """Draw a course of gentle bends."""
    count = int(length) + 2
    bends = np.interp(
        np.arange(count),
        np.arange(0, count + 80, 40),
        rng.normal(0, 0.0035, len(np.arange(0, count + 80, 40))) * (rng.random() < 0.75),
    )
    heading = np.cumsum(bends)
    steps = np.stack((-np.sin(heading), np.cos(heading)), 1)
    return Course(heading, np.cumsum(steps, axis=0))


@dataclass(frozen=True)
class Mover:
    """Something that moves along the street, around and around.

    :param start: s at time 0.
    :param speed: metres a second, negative towards the street's start.
    """

    start: float
    speed: float
    d: float

    def s(self, time: float, length: float) -> float:
        """Where it is."""
        return (self.start + self.speed * time) % length


@dataclass(frozen=True)
class _Vehicle(Mover):
    body: Triangles


@dataclass(frozen=True)
class _Walker(Mover):
    person: Person


@dataclass(frozen=True)
class _Rider(Mover):
    person: Person
    frame: tuple[float, float, float]


@dataclass(frozen=True)
class Profile:
    """What kind of street it is.

    :param lane: width of one lane, metres.
    :param bay: width of the parking on either side, 0 for none.
    :param pavement: width on either side.
    :param commercial: 0 for a village, 1 for a town's centre.
    :param green: 0 for houses only, 1 for gardens and trees.
    :param bare: the trees have lost their leaves.
    """

    lane: float
    bay: float
    pavement: float
    commercial: float
    green: float
    bare: bool

    @property
    def half_width(self) -> float:
        """From the street's middle to its kerb."""
        return self.lane + self.bay


def draw_profile(rng: np.random.Generator) -> Profile:
    """Draw a kind of street."""
    return Profile(
        lane=float(rng.uniform(3.0, 4.2)),
        bay=float(rng.choice([0.0, 2.1])),
        pavement=float(rng.uniform(1.8, 4.0)),
        commercial=float(rng.uniform(0, 1)),
        green=float(rng.uniform(0, 1)),
        bare=bool(rng.random() < 0.45),
    )


class Street:
    """One street, all of it decided by its seed.

    :param length: metres.
    """

    def __init__(self, seed: int, length: float = 600.0) -> None:
        self.seed = seed
        self.length = length
        rng = np.random.default_rng([seed, 1])
        self.profile = draw_profile(rng)
        self.course = draw_course(rng, length + VISIBLE + 50)
        gaps = rng.uniform(55, 140, 20)
        self._junctions = {side: np.cumsum(rng.permutation(gaps)) for side in (-1, 1)}
        self._static = self._build(rng)
        rng = np.random.default_rng([seed, 2])
        self._vehicles = self._draw_vehicles(rng)
        self._walkers = self._draw_walkers(rng)
        self._riders = self._draw_riders(rng)

    def scene(
        self, s: float, time: float = 0.0, *, clear_of: tuple[float, float] | None = None
    ) -> Triangles:
        """Gather what can be seen from a place at a time.

        :param clear_of: x and y; nobody moves within 3.5 m of it.
        """
        parts = [self._static[chunk] for chunk in self._chunks(s)]
        parts += [self._closing(s)]
        for mover in (*self._vehicles, *self._walkers, *self._riders):
            place = mover.s(time, self.length)
            if not s - BEHIND < place < s + VISIBLE:
                continue
            x, y, heading = (float(value) for value in self.course.at(place, mover.d))
            if clear_of is not None and np.hypot(x - clear_of[0], y - clear_of[1]) < 3.5:
                continue
            z = KERB if abs(mover.d) > self.profile.half_width else 0.0
            turn = heading + (np.pi if mover.speed < 0 else 0.0)
            parts.append(_body(mover, time).placed(x, y, z, turn))
        return join(parts)

    # --- what stands still ---

    def _build(self, rng: np.random.Generator) -> list[Triangles]:
        """Build everything that stands still, in pieces of STRIP metres."""
        pieces = [[part] for part in self._ground(rng)]

        def put(
            part: Triangles, s: float, d: float, side: int, z: float = KERB, *, turned: bool = True
        ) -> None:
            """Place a thing on one side of the street; turned, it has the road at x > 0."""
            x, y, heading = (float(value) for value in self.course.at(s, d))
            if side > 0 and turned:
                heading += np.pi
            pieces[min(int(max(s, 0) / STRIP), len(pieces) - 1)].append(
                part.placed(x, y, z, heading)
            )

        for side in (-1, 1):
            self._line_with_houses(rng, side, put)
            self._line_with_furniture(rng, side, put)
        return [join(parts) for parts in pieces]

    def _chunks(self, s: float) -> range:
        first = max(0, int((s - BEHIND - 20) / STRIP))  # long things begin before what they cover
        return range(first, min(len(self._static), int((s + VISIBLE) / STRIP) + 1))

    def _is_junction(self, s: float, side: int, margin: float = 0.0) -> bool:
        """Whether a side street meets the street here; it is 12 m wide."""
        return bool((np.abs(self._junctions[side] + 6 - s) < 6 + margin).any())

    def _ground(self, rng: np.random.Generator) -> list[Triangles]:
        profile = self.profile
        half, edge = profile.half_width, profile.half_width + profile.pavement
        gray = rng.uniform(0.36, 0.62)
        road = gray * (1 + rng.normal(0, 0.03, 3))
        slab = rng.uniform(0.55, 0.95) * (1 + rng.normal(0, 0.04, 3))
        verge = bool(rng.random() < 0.35 + 0.4 * profile.green)
        yellow = bool(rng.random() < 0.4) and not profile.bay
        dash, gap = float(rng.uniform(1.5, 4)), float(rng.uniform(2, 6))
        zebra = np.cumsum(rng.uniform(60, 200, 12))
        pieces = []
        for number in range(int((self.length + VISIBLE) / STRIP)):
            s = number * STRIP
            shade = road * rng.uniform(0.95, 1.05)
            parts = [self._strip(s, -half, half, 0.0, ROAD, shade, Texture.ASPHALT, 3.0)]
            for side in (-1, 1):
                if self._is_junction(s + STRIP / 2, side):
                    parts.append(
                        self._strip(
                            s, side * half, side * 50, 0.0, ROAD, shade, Texture.ASPHALT, 3.0
                        )
                    )
                    continue
                grass = verge and profile.pavement > 2.4
                inner = half + (0.4 * profile.pavement if grass else 0.0)
                if grass:
                    parts.append(
                        self._strip(
                            s,
                            side * (half + 0.15),
                            side * inner,
                            KERB,
                            TREE,
                            (1, 1, 1),
                            Texture.GRASS,
                            2.5,
                        )
                    )
                parts += [
                    self._strip(
                        s, side * inner, side * edge, KERB, PAVEMENT, slab, Texture.PAVING, 2.4
                    ),
                    self._strip(
                        s,
                        side * half,
                        side * (half + 0.15),
                        KERB + 0.005,
                        PAVEMENT,
                        slab * 1.08,
                        Texture.CONCRETE,
                        2.0,
                    ),
                    self._kerb(s, side * half, slab * 0.8),
                    self._yard(rng, s, side, edge),
                ]
                if yellow:
                    for inset in (0.25, 0.45):
                        parts.append(
                            self._line(
                                s, s + STRIP, side * (half - inset), 0.09, (1.0, 0.85, 0.25)
                            )
                        )
                elif profile.bay:
                    parts.append(
                        self._line(s, s + 0.6 * STRIP, side * profile.lane, 0.1, (0.9, 0.9, 0.9))
                    )
            start = np.ceil(s / (dash + gap)) * (dash + gap)
            if start < s + STRIP:
                parts.append(self._line(start, start + dash, 0.0, 0.12, (0.95, 0.95, 0.93)))
            if (np.abs(zebra - s) < STRIP / 2).any():
                for d in np.arange(-half + 0.4, half - 0.4, 1.1):
                    parts.append(self._line(s, s + 3.2, d + 0.3, 0.6, (0.95, 0.95, 0.95)))
            pieces.append(join(parts))
        return pieces

    def _strip(
        self,
        s: float,
        first: float,
        last: float,
        z: float,
        label: int,
        tint: ArrayLike,
        texture: Texture,
        tile: float,
        length: float = STRIP,
    ) -> Triangles:
        """Lay a piece of ground from ``first`` to ``last`` to the right of the middle."""
        along = np.array([s + length, s + length, s, s])
        across = np.array([first, last, last, first])
        x, y, _ = self.course.at(along, across)
        corners = np.stack((x, y, np.full(4, z)), 1)
        uv = np.stack((across, -along), 1) / tile
        return quads(corners, label, tint, texture, uv - np.floor(uv.min(0)))

    def _kerb(self, s: float, d: float, tint: ArrayLike) -> Triangles:
        x, y, _ = self.course.at(np.array([s, s + STRIP, s + STRIP, s]), d)
        corners = np.stack((x, y, np.array([1, 1, 0, 0]) * (KERB + 0.005)), 1)
        return quads(
            corners, PAVEMENT, tint, Texture.CONCRETE, [(0, 0), (2, 0), (2, 0.1), (0, 0.1)]
        )

    def _yard(self, rng: np.random.Generator, s: float, side: int, edge: float) -> Triangles:
        """Fill what lies behind the pavement."""
        if rng.random() < self.profile.green:
            return self._strip(
                s, side * edge, side * 60, KERB - 0.01, TREE, (0.95, 1, 0.95), Texture.GRASS, 2.5
            )
        return self._strip(
            s,
            side * edge,
            side * 60,
            KERB - 0.01,
            PAVEMENT,
            (0.6, 0.6, 0.58),
            Texture.CONCRETE,
            3.0,
        )

    def _line(self, s: float, end: float, d: float, width: float, tint: ArrayLike) -> Triangles:
        return self._strip(
            s, d - width / 2, d + width / 2, 0.012, ROAD, tint, Texture.ASPHALT, 3.0, end - s
        )

    def _line_with_houses(self, rng: np.random.Generator, side: int, put) -> None:  # type: ignore[no-untyped-def]
        """Put houses, gardens, walls, hedges and fences along one side."""
        profile = self.profile
        edge = profile.half_width + profile.pavement
        end = self.length + VISIBLE
        s = 0.0
        while s < end:
            width = float(rng.choice([6, 6, 12, 12, 18]))
            if rng.random() < 0.4 * profile.green:
                width = float(rng.uniform(8, 25))
                self._garden(rng, side, s, width, edge, put)
            elif not (self._is_junction(s, side, 1) or self._is_junction(s + width, side, 1)
                      or self._is_junction(s + width / 2, side, 1)):  # fmt: skip
                set_back = float(rng.choice([0.0, rng.uniform(0, 5 * profile.green)]))
                building = draw_building(rng, width, profile.commercial)
                start = s if side < 0 else s + width
                put(building, start, side * (edge + set_back + 0.05), side)
                if set_back > 2:
                    self._front(rng, side, s, width, edge, put)
            else:
                width = 3.0
            s += width + float(rng.choice([0.0, rng.uniform(0, 6 * profile.green)]))
        for junction in self._junctions[side]:
            for s in np.arange(junction - 12, junction + 24, 12):
                if 0 < s < end:
                    building = draw_building(rng, 12.0, profile.commercial)
                    put(building, s if side < 0 else s + 12, side * 50.0, side)
        for s in np.arange(0, end, 24.0):
            x, y, _ = self.course.at(np.array([s, s + 25, s + 25, s]), side * 62.0)
            height = float(rng.uniform(7, 14))
            corners = np.stack((x, y, np.array([height, height, 0, 0])), 1)
            tint = rng.uniform(0.7, 1.2) * np.ones(3)
            far = quads(corners, TREE, tint, Texture.SKYLINE)
            self._put_as_is(far, s, put)

    def _put_as_is(self, part: Triangles, s: float, put) -> None:  # type: ignore[no-untyped-def]
        """Put what lies in the street's own coordinates already."""
        x, y, heading = (float(value) for value in self.course.at(s, 0.0))
        put(part.placed(-x, -y).placed(0, 0, -KERB, -heading), s, 0.0, -1)

    def _garden(self, rng, side, s, width, edge, put) -> None:  # type: ignore[no-untyped-def]
        self._front(rng, side, s, width, edge, put)
        for _ in range(int(rng.integers(1, 5))):
            if self._is_junction(s, side, 3):
                continue
            place = s + float(rng.uniform(0, width))
            d = side * (edge + float(rng.uniform(2, 14)))
            if not self._is_junction(place, side, 2):
                put(draw_tree(rng, self.profile.bare), place, d, side)
        if rng.random() < 0.6 and not self._is_junction(s + width / 2, side, 8):
            building = draw_building(rng, min(width, 12.0), 0.2)
            start = s if side < 0 else s + min(width, 12.0)
            put(building, start, side * (edge + float(rng.uniform(10, 18))), side)

    def _front(self, rng, side, s, width, edge, put) -> None:  # type: ignore[no-untyped-def]
        """Close a garden towards the pavement."""
        if self._is_junction(s, side, 1) or self._is_junction(s + width, side, 1):
            return
        if self._is_junction(s + width / 2, side, 1):
            return
        start = s if side < 0 else s + width
        kind = rng.choice(['wall', 'hedge', 'fence', 'open'], p=[0.2, 0.3, 0.4, 0.1])
        d = side * (edge + 0.05)
        if kind == 'wall':
            put(draw_wall(rng, width), start, d, side)
        elif kind == 'hedge':
            put(draw_hedge(rng, width), start, d, side)
        elif kind == 'fence':
            put(draw_fence(rng, width, guard=False), start, d, side)
        for _ in range(int(rng.integers(0, 3))):
            put(draw_bush(rng), s + float(rng.uniform(0, width)), d + side * 1.2, side)

    def _line_with_furniture(self, rng: np.random.Generator, side: int, put) -> None:  # type: ignore[no-untyped-def]
        """Put lamp posts, signs, bollards, railings, street trees and parked cars."""
        profile = self.profile
        end = self.length + VISIBLE
        kerb = side * (profile.half_width + 0.45)

        def spread(least: float, greatest: float) -> NDArray[np.float64]:
            count = int(2 * end / (least + greatest)) + 4
            places = np.cumsum(rng.uniform(least, greatest, count)) - least / 2
            free = [not self._is_junction(s, side, 1.5) for s in places]
            return places[np.array(free) & (places < end)]

        lamp_distance = float(rng.uniform(18, 34))
        for s in spread(0.9 * lamp_distance, 1.1 * lamp_distance):
            put(draw_lamp_post(rng), s, kerb, side)
        for s in spread(9, 40):
            put(draw_sign(rng), s, kerb + side * float(rng.uniform(0, 0.6)), side, turned=False)
        for s in spread(60, 160):
            for offset in np.arange(float(rng.integers(2, 7))) * 1.6:
                if not self._is_junction(s + offset, side, 1):
                    put(draw_bollard(rng), s + offset, kerb - side * 0.15, side)
        for s in spread(40, 120):
            if not self._is_junction(s + 10, side, 6):
                length = float(rng.uniform(6, 16))
                start = s if side < 0 else s + length
                put(
                    draw_fence(rng, length, guard=bool(rng.random() < 0.5)),
                    start,
                    kerb - side * 0.2,
                    side,
                )
        if rng.random() < 0.5:
            for s in spread(7, 22):
                put(draw_tree(rng, profile.bare), s, kerb + side * 0.35, side)
        if rng.random() < 0.3:
            for s in spread(30, 50):
                put(
                    draw_telegraph_pole(rng),
                    s,
                    side * (profile.half_width + profile.pavement - 0.3),
                    side,
                )
        for junction in self._junctions[side]:
            if rng.random() < 0.6:
                for s in (junction - 1.2, junction + 13.2):
                    put(draw_traffic_light(rng), s, kerb, side, turned=False)
        if profile.bay:
            for s in spread(5.4, 13):
                if not self._is_junction(s, side, 4):
                    d = side * (profile.lane + 1.02)
                    put(draw_vehicle(rng), s, d, side, 0.0)

    def _closing(self, s: float) -> Triangles:
        """Close the view at its far end."""
        far = s + VISIBLE - 1
        x, y, _ = self.course.at(np.full(4, far), np.array([-75.0, 75.0, 75.0, -75.0]))
        corners = np.stack((x, y, np.array([9.0, 9.0, -2.0, -2.0])), 1)
        uv = [(0, 0), (5, 0), (5, 1), (0, 1)]
        return quads(corners, TREE, (0.8, 0.8, 0.8), Texture.SKYLINE, uv)

    # --- what moves ---

    def _draw_vehicles(self, rng: np.random.Generator) -> list[_Vehicle]:
        lane = self.profile.lane / 2
        movers = []
        for direction in (-1, 1):
            speed = direction * float(rng.uniform(6, 11))
            for start in np.cumsum(rng.uniform(9, 70, 24)):
                if start < self.length:
                    d = -direction * lane + float(rng.normal(0, 0.15))
                    movers.append(_Vehicle(float(start), speed, d, draw_vehicle(rng)))
        return movers

    def _draw_walkers(self, rng: np.random.Generator) -> list[_Walker]:
        profile = self.profile
        density = 0.05 + 0.12 * profile.commercial * rng.uniform(0.3, 1)
        movers = []
        for _ in range(int(self.length * density)):
            side = int(rng.choice([-1, 1]))
            d = side * (profile.half_width + float(rng.uniform(0.5, profile.pavement - 0.3)))
            if rng.random() < 0.04:
                d = float(rng.uniform(-1, 1)) * profile.half_width  # crosses the road
            speed = float(rng.choice([-1, 1]) * rng.uniform(0.9, 1.7))
            start = float(rng.uniform(0, self.length))
            movers.append(_Walker(start, speed, d, draw_person(rng)))
            if rng.random() < 0.35:
                beside = d + 0.55 * (1 if d < 0 else -1)
                movers.append(
                    _Walker(start + float(rng.normal(0, 0.2)), speed, beside, draw_person(rng))
                )
        return movers

    def _draw_riders(self, rng: np.random.Generator) -> list[_Rider]:
        movers = []
        for _ in range(int(self.length * rng.uniform(0.02, 0.08))):
            direction = int(rng.choice([-1, 1]))
            d = -direction * (self.profile.lane - float(rng.uniform(0.4, 0.9)))
            frame = CLOTHES[int(rng.integers(len(CLOTHES)))]
            speed = direction * float(rng.uniform(3, 5.5))
            start = float(rng.uniform(0, self.length))
            movers.append(_Rider(start, speed, d, draw_person(rng), frame))
        return movers


def _body(mover: Mover, time: float) -> Triangles:
    if isinstance(mover, _Walker):
        return _posed(mover.person, _phase(mover, time / STRIDE))
    if isinstance(mover, _Rider):
        return _posed(mover.person, _phase(mover, time / TURN), mover.frame)
    assert isinstance(mover, _Vehicle)
    return mover.body


def _phase(mover: Mover, time: float) -> int:
    return round(POSES * (mover.start + abs(mover.speed) * time)) % POSES


@lru_cache(maxsize=4096)
def _posed(person: Person, phase: int, frame: Tint | None = None) -> Triangles:
    """Pose a pedestrian, or a cyclist on a frame of some colour."""
    if frame is None:
        return pedestrian(person, phase / POSES)
    return cyclist(person, phase / POSES, frame)
