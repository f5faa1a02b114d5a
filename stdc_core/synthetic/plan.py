"""The plan of a street: its course, what kind of street it is, where others meet it.

Places in a street are ``s``, metres along its middle, and ``d``, metres to the right of it. A side
is -1 for the left and 1 for the right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIDES = (-1, 1)
JUNCTION = 12.0  # metres, the width of a street that meets this one


@dataclass(frozen=True)
class Course:
    """The middle of the street as a smooth curve.

    :param heading: radians at every metre.
    :param places: x, y at every metre, shape (N, 2).
    """

    heading: NDArray[np.float64]
    places: NDArray[np.float64]

    def at(
        self, s: float | NDArray[np.float64], d: float | NDArray[np.float64] = 0.0
    ) -> tuple[NDArray[np.float64], ...]:
        """Find x, y and heading of places along the street."""
        steps = np.arange(len(self.heading), dtype=np.float64)
        heading = np.asarray(np.interp(s, steps, self.heading))
        x = np.interp(s, steps, self.places[:, 0]) + d * np.cos(heading)
        y = np.interp(s, steps, self.places[:, 1]) + d * np.sin(heading)
        return np.asarray(x), np.asarray(y), heading


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

    @property
    def edge(self) -> float:
        """From the street's middle to where the houses begin."""
        return self.half_width + self.pavement


@dataclass(frozen=True)
class Plan:
    """A street before anything is built.

    :param end: s at which it ends, metres.
    :param junctions: by side, s at which streets that meet it begin.
    """

    profile: Profile
    course: Course
    end: float
    junctions: Mapping[int, NDArray[np.float64]]

    def is_junction(self, s: float, side: int, margin: float = 0.0) -> bool:
        """Whether another street meets this one here."""
        half = JUNCTION / 2
        return bool((np.abs(self.junctions[side] + half - s) < half + margin).any())

    def touches_junction(self, s: float, width: float, side: int) -> bool:
        """Whether something that wide, from ``s`` on, would stand in a street's way."""
        return any(self.is_junction(s + share * width, side, 1) for share in (0, 1, 0.5))


def draw_plan(rng: np.random.Generator, end: float) -> Plan:
    """Draw a street."""
    profile = Profile(
        lane=float(rng.uniform(3.0, 4.2)),
        bay=float(rng.choice([0.0, 2.1])),
        pavement=float(rng.uniform(1.8, 4.0)),
        commercial=float(rng.uniform(0, 1)),
        green=float(rng.uniform(0, 1)),
        bare=bool(rng.random() < 0.45),
    )
    course = _draw_course(rng, end + 50)
    gaps = rng.uniform(55, 140, 20)
    junctions = {side: np.cumsum(rng.permutation(gaps)) for side in SIDES}
    return Plan(profile, course, end, junctions)


def _draw_course(rng: np.random.Generator, length: float) -> Course:
    """Draw a course of gentle bends."""
    count = int(length) + 2
    knots = np.arange(0, count + 80, 40)
    bends = rng.normal(0, 0.0035, len(knots)) * (rng.random() < 0.75)
    heading = np.cumsum(np.interp(np.arange(count), knots, bends))
    steps = np.stack((-np.sin(heading), np.cos(heading)), 1)
    return Course(heading, np.cumsum(steps, axis=0))
