"""Who moves on a street: cars, pedestrians, cyclists. Traffic keeps to the left."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from stdc_core.synthetic.people import CLOTHES, STRIDE, Person, cyclist, draw_person, pedestrian
from stdc_core.synthetic.plan import SIDES, Profile
from stdc_core.synthetic.triangles import Triangles
from stdc_core.synthetic.vehicles import draw_vehicle

POSES = 16  # of one step, or one turn of the cranks
TURN = 4.0  # metres a bicycle moves in one turn of its cranks


@dataclass(frozen=True)
class Mover(ABC):
    """Something that moves along the street, and begins anew at its end.

    :param start: s at time 0.
    :param speed: metres a second, negative towards the street's start.
    :param d: where it keeps to.
    """

    start: float
    speed: float
    d: float

    def s(self, time: float, length: float) -> float:
        """Where it is, on a street of that length."""
        return (self.start + self.speed * time) % length

    @abstractmethod
    def body(self, time: float) -> Triangles:
        """Pose it at the origin, looking along y."""

    def _phase(self, time: float, period: float) -> int:
        """Which pose it is in, if a movement takes so many metres."""
        return round(POSES * (self.start + abs(self.speed) * time / period)) % POSES


@dataclass(frozen=True)
class _Vehicle(Mover):
    shape: Triangles

    def body(self, time: float) -> Triangles:
        return self.shape


@dataclass(frozen=True)
class _Walker(Mover):
    person: Person

    def body(self, time: float) -> Triangles:
        return _walking(self.person, self._phase(time, STRIDE))


@dataclass(frozen=True)
class _Rider(Mover):
    person: Person
    frame: tuple[float, ...]

    def body(self, time: float) -> Triangles:
        return _riding(self.person, self._phase(time, TURN), self.frame)


@lru_cache(maxsize=2048)
def _walking(person: Person, phase: int) -> Triangles:
    return pedestrian(person, phase / POSES)


@lru_cache(maxsize=1024)
def _riding(person: Person, phase: int, frame: tuple[float, ...]) -> Triangles:
    return cyclist(person, phase / POSES, frame)


def draw_traffic(rng: np.random.Generator, profile: Profile, length: float) -> list[Mover]:
    """Draw everybody."""
    return [
        *_draw_vehicles(rng, profile, length),
        *_draw_walkers(rng, profile, length),
        *_draw_riders(rng, profile, length),
    ]


def _draw_vehicles(rng: np.random.Generator, profile: Profile, length: float) -> list[Mover]:
    movers: list[Mover] = []
    for direction in SIDES:
        speed = direction * float(rng.uniform(6, 11))
        for start in np.cumsum(rng.uniform(9, 70, 24)):
            if start < length:
                d = -direction * profile.lane / 2 + float(rng.normal(0, 0.15))
                movers.append(_Vehicle(float(start), speed, d, draw_vehicle(rng)))
    return movers


def _draw_walkers(rng: np.random.Generator, profile: Profile, length: float) -> list[Mover]:
    movers: list[Mover] = []
    density = 0.05 + 0.12 * profile.commercial * rng.uniform(0.3, 1)  # a metre
    for _ in range(int(length * density)):
        side = int(rng.choice(SIDES))
        d = side * (profile.half_width + float(rng.uniform(0.5, profile.pavement - 0.3)))
        if rng.random() < 0.04:  # in the road
            d = float(rng.uniform(-1, 1)) * profile.half_width
        speed = float(rng.choice(SIDES) * rng.uniform(0.9, 1.7))
        start = float(rng.uniform(0, length))
        movers.append(_Walker(start, speed, d, draw_person(rng)))
        if rng.random() < 0.35:  # with a friend
            d += 0.55 * (1 if d < 0 else -1)
            start += float(rng.normal(0, 0.2))
            movers.append(_Walker(start, speed, d, draw_person(rng)))
    return movers


def _draw_riders(rng: np.random.Generator, profile: Profile, length: float) -> list[Mover]:
    movers: list[Mover] = []
    for _ in range(int(length * rng.uniform(0.02, 0.08))):
        direction = int(rng.choice(SIDES))
        d = -direction * (profile.lane - float(rng.uniform(0.4, 0.9)))
        frame = CLOTHES[int(rng.integers(len(CLOTHES)))]
        speed = direction * float(rng.uniform(3, 5.5))
        start = float(rng.uniform(0, length))
        movers.append(_Rider(start, speed, d, draw_person(rng), frame))
    return movers
