"""The site of a street: pieces of some metres, to which things are put where they stand."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from stdc_core.synthetic.plan import Plan
from stdc_core.synthetic.textures import Texture
from stdc_core.synthetic.triangles import Triangles, join, quads

PIECE = 4.0  # metres
KERB = 0.12  # metres


class Site:
    """What has been built along a plan so far."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._pieces: list[list[Triangles]] = [[] for _ in range(int(plan.end / PIECE))]

    def __len__(self) -> int:
        return len(self._pieces)

    def add(self, part: Triangles, s: float) -> None:
        """Add what lies in the street's own x and y already."""
        self._pieces[min(int(max(s, 0) / PIECE), len(self) - 1)].append(part)

    def put(
        self,
        part: Triangles,
        s: float,
        d: float,
        *,
        z: float = KERB,
        turned: bool = True,
    ) -> None:
        """Put a thing somewhere; turned, its x > 0 is where the road is."""
        x, y, heading = (float(value) for value in self.plan.course.at(s, d))
        if d > 0 and turned:
            heading += np.pi
        self.add(part.placed(x, y, z, heading), s)

    def line_up(self, part: Triangles, s: float, width: float, d: float) -> None:
        """Put a thing that is ``width`` wide along y, so that it covers s to s + width."""
        self.put(part, s if d < 0 else s + width, d)

    def finished(self) -> list[Triangles]:
        """Join each piece."""
        return [join(parts) for parts in self._pieces]

    def strip(
        self,
        s: float,
        end: float,
        across: tuple[float, float],
        z: float,
        label: int,
        tint: ArrayLike,
        texture: Texture,
        tile: float,
    ) -> Triangles:
        """Make a piece of ground.

        :param across: from where to where, to the right of the street's middle.
        :param tile: metres of one repeat of the texture.
        """
        along = np.array([end, end, s, s])
        sideways = np.array([across[0], across[1], across[1], across[0]])
        x, y, _ = self.plan.course.at(along, sideways)
        corners = np.stack((x, y, np.full(4, z)), 1)
        uv = np.stack((sideways, -along), 1) / tile
        return quads(corners, label, tint, texture, uv - np.floor(uv.min(0)))

    def upright(
        self,
        s: ArrayLike,
        d: ArrayLike,
        top: float,
        bottom: float,
        label: int,
        tint: ArrayLike,
        texture: Texture,
        tiles: tuple[float, float] = (1, 1),
    ) -> Triangles:
        """Make a face between two places.

        :param s: of both.
        :param d: of both.
        :param tiles: how often the texture is repeated, across and down.
        """
        there_and_back = [0, 1, 1, 0]
        x, y, _ = self.plan.course.at(
            np.broadcast_to(np.asarray(s, np.float64), 2)[there_and_back],
            np.broadcast_to(np.asarray(d, np.float64), 2)[there_and_back],
        )
        corners = np.stack((x, y, np.array([top, top, bottom, bottom])), 1)
        u, v = tiles
        return quads(corners, label, tint, texture, [(0, 0), (u, 0), (u, v), (0, v)])
