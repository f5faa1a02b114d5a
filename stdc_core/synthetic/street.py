"""A street: everything along it and on it, and what of that can be seen from a place."""

from __future__ import annotations

import numpy as np

from stdc_core.synthetic.classes import TREE
from stdc_core.synthetic.ground import lay_ground
from stdc_core.synthetic.plan import SIDES, draw_plan
from stdc_core.synthetic.roadside import put_furniture, put_houses
from stdc_core.synthetic.site import KERB, PIECE, Site
from stdc_core.synthetic.textures import Texture
from stdc_core.synthetic.traffic import draw_traffic
from stdc_core.synthetic.triangles import Triangles, join

VISIBLE = 150.0  # metres ahead that are drawn
BEHIND = 12.0  # and back, for the shadows
LONGEST = 20.0  # metres; a long thing lies in the piece in which it begins
CLEARANCE = 3.5  # metres


class Street:
    """One street, all of it decided by its seed.

    :param length: on which there is traffic, metres; it goes on for VISIBLE metres.
    """

    def __init__(self, seed: int, length: float = 600.0) -> None:
        self.length = length
        rng = np.random.default_rng([seed, 1])
        self.plan = draw_plan(rng, length + VISIBLE)
        self._site = Site(self.plan)
        lay_ground(rng, self._site)
        for side in SIDES:
            put_houses(rng, self._site, side)
            put_furniture(rng, self._site, side)
        self._pieces = self._site.finished()
        rng = np.random.default_rng([seed, 2])
        self._movers = draw_traffic(rng, self.plan.profile, length)

    def scene(
        self, s: float, time: float = 0.0, *, clear_of: tuple[float, float] | None = None
    ) -> Triangles:
        """Gather what can be seen from a place at a time.

        :param clear_of: x and y; nobody moves within CLEARANCE of it.
        """
        first = max(0, int((s - BEHIND - LONGEST) / PIECE))
        parts = self._pieces[first : int((s + VISIBLE) / PIECE) + 1]
        parts.append(self._closing(s))
        for mover in self._movers:
            place = mover.s(time, self.length)
            if not s - BEHIND < place < s + VISIBLE:
                continue
            x, y, heading = (float(value) for value in self.plan.course.at(place, mover.d))
            if clear_of is not None and np.hypot(x - clear_of[0], y - clear_of[1]) < CLEARANCE:
                continue
            z = KERB if abs(mover.d) > self.plan.profile.half_width else 0.0
            turn = heading + (np.pi if mover.speed < 0 else 0.0)
            parts.append(mover.body(time).placed(x, y, z, turn))
        return join(parts)

    def _closing(self, s: float) -> Triangles:
        """Close the view at its far end with trees."""
        far = s + VISIBLE - 1
        gray = (0.8, 0.8, 0.8)
        return self._site.upright(
            far, (-75.0, 75.0), 9.0, -2.0, TREE, gray, Texture.SKYLINE, (5, 1)
        )
