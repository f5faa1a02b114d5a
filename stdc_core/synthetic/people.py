"""Pedestrians and cyclists, at the origin, looking along y, in one phase of their movement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stdc_core.synthetic.classes import BICYCLIST, PEDESTRIAN
from stdc_core.synthetic.shapes import Tint, ball, box, card, tube
from stdc_core.synthetic.textures import Texture
from stdc_core.synthetic.triangles import Triangles, join

SKINS: tuple[Tint, ...] = (
    (0.92, 0.76, 0.66),
    (0.80, 0.60, 0.46),
    (0.55, 0.38, 0.28),
    (0.36, 0.24, 0.18),
)
CLOTHES: tuple[Tint, ...] = (
    (0.10, 0.10, 0.12), (0.16, 0.18, 0.26), (0.32, 0.33, 0.36), (0.55, 0.10, 0.12),
    (0.15, 0.30, 0.22), (0.75, 0.72, 0.66), (0.45, 0.33, 0.22), (0.20, 0.35, 0.60),
    (0.85, 0.85, 0.85), (0.70, 0.45, 0.12),
)  # fmt: skip
TROUSERS: tuple[Tint, ...] = (
    (0.09, 0.09, 0.11), (0.17, 0.21, 0.32), (0.28, 0.28, 0.30), (0.45, 0.40, 0.32), (0.14, 0.12, 0.10),
)  # fmt: skip
HAIRS: tuple[Tint, ...] = (
    (0.12, 0.09, 0.07),
    (0.35, 0.24, 0.14),
    (0.62, 0.50, 0.30),
    (0.5, 0.5, 0.5),
)
STRIDE = 1.4  # metres from one step of the left foot to its next


@dataclass(frozen=True)
class Person:
    """What one person looks like.

    :param scale: of the height; 1 is 1.76 m.
    :param coat: length below the hip, metres; 0 for a jacket.
    """

    skin: Tint
    top: Tint
    trousers: Tint
    hair: Tint
    scale: float
    coat: float
    bag: bool


def draw_person(rng: np.random.Generator) -> Person:
    """Draw a person."""

    def one_of(colors: tuple[Tint, ...]) -> Tint:
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


def _trunk(
    person: Person, label: int, hip: tuple[float, float], neck: tuple[float, float]
) -> list[Triangles]:
    """Hip to head; places are y and z."""
    (hip_y, hip_z), (neck_y, neck_z) = hip, neck
    middle = ((hip_y + neck_y) / 2, (hip_z + neck_z) / 2 + 0.06)
    head = (0.0, neck_y + 0.03, neck_z + 0.19)
    return [
        tube((0, hip_y, hip_z - 0.05), (0, *middle), (0.155, 0.18), label, person.top, sides=8),
        tube((0, *middle), (0, neck_y, neck_z), (0.185, 0.12), label, person.top, sides=8),
        tube(
            (0, neck_y, neck_z - 0.02), (0, neck_y + 0.02, neck_z + 0.1), 0.055, label, person.skin
        ),
        ball(head, (0.085, 0.105, 0.125), label, person.skin),
        ball((0, head[1] - 0.025, head[2] + 0.035), (0.092, 0.105, 0.11), label, person.hair),
    ]


def _limb(
    points: list[tuple[float, float, float]], radius: tuple[float, float], label: int, tint: Tint
) -> list[Triangles]:
    middle = (radius[0] + radius[1]) / 2
    return [
        tube(points[0], points[1], (radius[0], middle), label, tint, sides=5),
        tube(points[1], points[2], (middle, radius[1]), label, tint, sides=5),
    ]


def pedestrian(person: Person, phase: float) -> Triangles:
    """Pose someone who walks.

    :param phase: of the step, 0..1; both feet below at 0.25 and 0.75.
    """
    swing = np.sin(2 * np.pi * phase)
    parts = _trunk(person, PEDESTRIAN, (0.0, 0.9), (0.03, 1.43))
    for side in (-1, 1):
        angle = side * 0.48 * swing
        bend = 0.5 * max(0.0, -side * np.cos(2 * np.pi * phase)) + 0.1
        hip = (side * 0.09, 0.0, 0.9)
        knee = (side * 0.095, 0.45 * np.sin(angle), 0.9 - 0.45 * np.cos(angle))
        ankle = (
            side * 0.095,
            knee[1] + 0.43 * np.sin(angle - bend),
            knee[2] - 0.40 * np.cos(angle - bend),
        )
        parts += _limb([hip, knee, ankle], (0.095, 0.055), PEDESTRIAN, person.trousers)
        shoe = (ankle[0], ankle[1] + 0.05, max(0.0, ankle[2] - 0.07))
        parts.append(box(shoe, (0.09, 0.26, 0.09), PEDESTRIAN, (0.07, 0.06, 0.06)))
        arm = -0.42 * side * swing
        shoulder = (side * 0.21, 0.02, 1.38)
        elbow = (side * 0.25, 0.02 + 0.28 * np.sin(arm), 1.38 - 0.28 * np.cos(arm))
        hand = (
            side * 0.25,
            elbow[1] + 0.27 * np.sin(arm + 0.35),
            elbow[2] - 0.27 * np.cos(arm + 0.35),
        )
        parts += _limb([shoulder, elbow, hand], (0.062, 0.045), PEDESTRIAN, person.top)
        parts.append(ball(hand, (0.045, 0.05, 0.06), PEDESTRIAN, person.skin))
    if person.coat:
        bottom = (0, 0, 0.9 - person.coat)
        parts.append(tube(bottom, (0, 0, 0.92), (0.21, 0.165), PEDESTRIAN, person.top, sides=8))
    if person.bag:
        parts.append(box((0.3, 0.02, 0.62), (0.12, 0.3, 0.3), PEDESTRIAN, (0.2, 0.13, 0.1)))
    return join(parts).placed(0, 0, scale=person.scale)


def cyclist(person: Person, phase: float, frame: Tint) -> Triangles:
    """Pose someone who rides a bicycle.

    :param phase: of the cranks, 0..1.
    """
    parts = [
        card((0, y, 0.0), 0.68, 0.68, np.pi / 2, BICYCLIST, Texture.BICYCLE_WHEEL)
        for y in (-0.52, 0.53)
    ]
    hub_rear, hub_front = (0.0, -0.52, 0.34), (0.0, 0.53, 0.34)
    crank, saddle, head = (0.0, -0.08, 0.3), (0.0, -0.24, 0.92), (0.0, 0.36, 0.86)
    for start, end in (
        (hub_rear, crank), (hub_rear, (0, -0.21, 0.8)), (crank, saddle), (crank, head),
        ((0, -0.21, 0.8), head), (head, hub_front), (head, (0, 0.38, 1.02)),
    ):  # fmt: skip
        parts.append(tube(start, end, 0.02, BICYCLIST, frame, sides=4))
    parts.append(tube((-0.28, 0.3, 1.03), (0.28, 0.3, 1.03), 0.02, BICYCLIST, (0.1, 0.1, 0.1)))
    parts.append(box((0, -0.24, 0.92), (0.14, 0.26, 0.06), BICYCLIST, (0.08, 0.08, 0.08)))
    for y in (-0.52, 0.53):  # tyres have a width: seen from behind the wheels are not gone
        parts.append(box((0, y, 0.0), (0.045, 0.1, 0.68), BICYCLIST, (0.08, 0.08, 0.08)))
    parts += _trunk(person, BICYCLIST, (-0.22, 1.0), (0.12, 1.48))
    for side in (-1, 1):
        angle = 2 * np.pi * phase + (np.pi if side > 0 else 0)
        pedal = (side * 0.11, crank[1] + 0.17 * np.sin(angle), crank[2] + 0.17 * np.cos(angle))
        ankle = np.array((side * 0.1, pedal[1] - 0.04, pedal[2] + 0.09))
        hip = np.array((side * 0.09, -0.2, 0.97))
        middle = (hip + ankle) / 2
        reach = 0.5 * float(np.linalg.norm(hip - ankle))
        forward = np.sqrt(max(0.44**2 - reach**2, 0.0))
        knee = middle + np.array((0, 0.85, 0.5)) * forward
        limb = [tuple(map(float, point)) for point in (hip, knee, ankle)]
        parts += _limb(limb, (0.09, 0.05), BICYCLIST, person.trousers)
        parts.append(
            box((pedal[0], pedal[1], pedal[2]), (0.09, 0.26, 0.08), BICYCLIST, (0.1, 0.1, 0.1))
        )
        arm = [(side * 0.2, 0.1, 1.42), (side * 0.27, 0.18, 1.2), (side * 0.25, 0.31, 1.06)]
        parts += _limb(arm, (0.06, 0.04), BICYCLIST, person.top)
    return join(parts).placed(0, 0, scale=person.scale)
