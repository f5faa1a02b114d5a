"""Pedestrians and cyclists, at the origin, looking along y, in one phase of their movement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from stdc_core.synthetic.classes import BICYCLIST, PEDESTRIAN
from stdc_core.synthetic.shapes import Point, Tint, balls, box, card, tubes
from stdc_core.synthetic.textures import Texture
from stdc_core.synthetic.triangles import Triangles, join

SKINS: tuple[tuple[float, ...], ...] = (
    (0.92, 0.76, 0.66), (0.80, 0.60, 0.46), (0.55, 0.38, 0.28), (0.36, 0.24, 0.18),
)  # fmt: skip
CLOTHES: tuple[tuple[float, ...], ...] = (
    (0.10, 0.10, 0.12), (0.16, 0.18, 0.26), (0.32, 0.33, 0.36), (0.55, 0.10, 0.12),
    (0.15, 0.30, 0.22), (0.75, 0.72, 0.66), (0.45, 0.33, 0.22), (0.20, 0.35, 0.60),
    (0.85, 0.85, 0.85), (0.70, 0.45, 0.12),
)  # fmt: skip
TROUSERS: tuple[tuple[float, ...], ...] = (
    (0.09, 0.09, 0.11), (0.17, 0.21, 0.32), (0.28, 0.28, 0.30), (0.45, 0.40, 0.32),
    (0.14, 0.12, 0.10),
)  # fmt: skip
HAIRS: tuple[tuple[float, ...], ...] = (
    (0.12, 0.09, 0.07), (0.35, 0.24, 0.14), (0.62, 0.50, 0.30), (0.5, 0.5, 0.5),
)  # fmt: skip
BLACK: Tint = (0.08, 0.08, 0.08)
BAG: Tint = (0.2, 0.13, 0.1)
STRIDE = 1.4  # metres from one step of the left foot to its next


@dataclass(frozen=True)
class Person:
    """What one person looks like.

    :param scale: of the height; 1 is 1.76 m.
    :param coat: length below the hip, metres; 0 for a jacket.
    """

    skin: tuple[float, ...]
    top: tuple[float, ...]
    trousers: tuple[float, ...]
    hair: tuple[float, ...]
    scale: float
    coat: float
    bag: bool


def draw_person(rng: np.random.Generator) -> Person:
    """Draw a person."""

    def one_of(colors: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
        return colors[int(rng.integers(len(colors)))]

    return Person(
        one_of(SKINS),
        one_of(CLOTHES),
        one_of(TROUSERS),
        one_of(HAIRS),
        float(rng.choice([rng.uniform(0.9, 1.08), rng.uniform(0.6, 0.8)], p=[0.9, 0.1])),
        float(rng.choice([0.0, 0.35])),
        bool(rng.random() < 0.35),
    )


class _Tube(NamedTuple):
    start: Point
    end: Point
    radii: tuple[float, float]
    tint: Tint


class _Ball(NamedTuple):
    center: Point
    radii: Point
    tint: Tint


def _built(tube_list: list[_Tube], ball_list: list[_Ball], label: int) -> list[Triangles]:
    """Build all at once: one by one takes ten times as long."""
    starts, ends, tube_radii, tube_tints = zip(*tube_list, strict=True)
    centers, ball_radii, ball_tints = zip(*ball_list, strict=True)
    return [
        tubes(starts, ends, tube_radii, label, tube_tints),
        balls(centers, ball_radii, label, ball_tints),
    ]


def _trunk(
    person: Person, hip: tuple[float, float], neck: tuple[float, float]
) -> tuple[list[_Tube], list[_Ball]]:
    """Hip to head; places are y and z."""
    (hip_y, hip_z), (neck_y, neck_z) = hip, neck
    middle = (0.0, (hip_y + neck_y) / 2, (hip_z + neck_z) / 2 + 0.06)
    head_y, head_z = neck_y + 0.03, neck_z + 0.19
    return [
        _Tube((0, hip_y, hip_z - 0.05), middle, (0.155, 0.18), person.top),
        _Tube(middle, (0, neck_y, neck_z), (0.185, 0.12), person.top),
        _Tube(
            (0, neck_y, neck_z - 0.02), (0, neck_y + 0.02, neck_z + 0.1),
            (0.055, 0.055), person.skin,
        ),
    ], [
        _Ball((0, head_y, head_z), (0.085, 0.105, 0.125), person.skin),
        _Ball((0, head_y - 0.025, head_z + 0.035), (0.092, 0.105, 0.11), person.hair),
    ]  # fmt: skip


def _limb(
    first: Point, middle: Point, last: Point, radii: tuple[float, float], tint: Tint
) -> list[_Tube]:
    between = (radii[0] + radii[1]) / 2
    return [
        _Tube(first, middle, (radii[0], between), tint),
        _Tube(middle, last, (between, radii[1]), tint),
    ]


def pedestrian(person: Person, phase: float) -> Triangles:
    """Pose someone who walks.

    :param phase: of the step, 0..1; the feet are furthest apart at 0.25 and 0.75.
    """
    swing = float(np.sin(2 * np.pi * phase))
    lift = float(np.cos(2 * np.pi * phase))
    rods, rounds = _trunk(person, (0.0, 0.9), (0.03, 1.43))
    parts = []
    for side in (-1, 1):
        leg = side * 0.48 * swing
        shin = leg - 0.5 * max(0.0, -side * lift) - 0.1
        hip = (side * 0.09, 0.0, 0.9)
        knee = (side * 0.095, 0.45 * np.sin(leg), 0.9 - 0.45 * np.cos(leg))
        ankle = (side * 0.095, knee[1] + 0.43 * np.sin(shin), knee[2] - 0.40 * np.cos(shin))
        rods += _limb(hip, knee, ankle, (0.095, 0.055), person.trousers)
        shoe = (ankle[0], ankle[1] + 0.05, max(0.0, ankle[2] - 0.07))
        parts.append(box(shoe, (0.09, 0.26, 0.09), PEDESTRIAN, BLACK))
        arm = -0.42 * side * swing
        elbow = (side * 0.25, 0.02 + 0.28 * np.sin(arm), 1.38 - 0.28 * np.cos(arm))
        forearm = arm + 0.35
        hand = (side * 0.25, elbow[1] + 0.27 * np.sin(forearm), elbow[2] - 0.27 * np.cos(forearm))
        rods += _limb((side * 0.21, 0.02, 1.38), elbow, hand, (0.062, 0.045), person.top)
        rounds.append(_Ball(hand, (0.045, 0.05, 0.06), person.skin))
    if person.coat:
        rods.append(_Tube((0, 0, 0.9 - person.coat), (0, 0, 0.92), (0.21, 0.165), person.top))
    if person.bag:
        parts.append(box((0.3, 0.02, 0.62), (0.12, 0.3, 0.3), PEDESTRIAN, BAG))
    parts += _built(rods, rounds, PEDESTRIAN)
    return join(parts).placed(0, 0, scale=person.scale)


def cyclist(person: Person, phase: float, frame: Tint) -> Triangles:
    """Pose someone who rides a bicycle.

    :param phase: of the cranks, 0..1.
    """
    rear, front, crank = (0.0, -0.52, 0.34), (0.0, 0.53, 0.34), (0.0, -0.08, 0.3)
    saddle, seat, head = (0.0, -0.24, 0.92), (0.0, -0.21, 0.8), (0.0, 0.36, 0.86)
    frame_tubes = (
        (rear, crank), (rear, seat), (crank, saddle), (crank, head), (seat, head), (head, front),
        (head, (0.0, 0.38, 1.02)),
    )  # fmt: skip
    rods, rounds = _trunk(person, (-0.22, 1.0), (0.12, 1.48))
    rods += [_Tube(start, end, (0.02, 0.02), frame) for start, end in frame_tubes]
    rods.append(_Tube((-0.28, 0.3, 1.03), (0.28, 0.3, 1.03), (0.02, 0.02), BLACK))
    parts = [box((0, -0.24, 0.92), (0.14, 0.26, 0.06), BICYCLIST, BLACK)]
    for _, y, _ in (rear, front):
        wheel = card((0, y, 0.0), 0.68, 0.68, np.pi / 2, BICYCLIST, Texture.BICYCLE_WHEEL)
        # Tyres have a width: seen from behind the wheels are not gone.
        parts += [wheel, box((0, y, 0.0), (0.045, 0.1, 0.68), BICYCLIST, BLACK)]
    for side in (-1, 1):
        angle = 2 * np.pi * phase + (np.pi if side > 0 else 0)
        pedal = (side * 0.11, crank[1] + 0.17 * np.sin(angle), crank[2] + 0.17 * np.cos(angle))
        hip, ankle = (side * 0.09, -0.2, 0.97), (side * 0.1, pedal[1] - 0.04, pedal[2] + 0.09)
        half = 0.5 * float(np.linalg.norm(np.subtract(hip, ankle)))
        forward = float(np.sqrt(max(0.44**2 - half**2, 0.0)))
        knee = (
            (hip[0] + ankle[0]) / 2,
            (hip[1] + ankle[1]) / 2 + 0.85 * forward,
            (hip[2] + ankle[2]) / 2 + 0.5 * forward,
        )
        rods += _limb(hip, knee, ankle, (0.09, 0.05), person.trousers)
        parts.append(box(pedal, (0.09, 0.26, 0.08), BICYCLIST, BLACK))
        shoulder, elbow = (side * 0.2, 0.1, 1.42), (side * 0.27, 0.18, 1.2)
        rods += _limb(shoulder, elbow, (side * 0.25, 0.31, 1.06), (0.06, 0.04), person.top)
    parts += _built(rods, rounds, BICYCLIST)
    return join(parts).placed(0, 0, scale=person.scale)
