"""Triangles: what every object of the rendered street is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stdc_core.synthetic.textures import Texture


@dataclass(frozen=True)
class Triangles:
    """Flat, two-sided, textured triangles in metres: x to the right, y ahead, z up.

    :param corners: float32, shape (T, 3, 3), corner by corner x, y, z.
    :param uv: float32, shape (T, 3, 2), texture coordinates; a texture repeats at whole numbers.
    :param texture: int16, shape (T,), places in :class:`Texture`.
    :param tint: float32, shape (T, 3), RGB factors of the texture's colours.
    :param labels: uint8, shape (T,), class ids.
    """

    corners: NDArray[np.float32]
    uv: NDArray[np.float32]
    texture: NDArray[np.int16]
    tint: NDArray[np.float32]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.corners)

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Triangles:
        return Triangles(
            self.corners[chosen],
            self.uv[chosen],
            self.texture[chosen],
            self.tint[chosen],
            self.labels[chosen],
        )

    def placed(
        self, x: float, y: float, z: float = 0.0, heading: float = 0.0, scale: float = 1.0
    ) -> Triangles:
        """Scale, turn about the vertical (radians, counter-clockwise) and move."""
        cosine, sine = np.cos(heading), np.sin(heading)
        turn = np.array([(cosine, sine, 0), (-sine, cosine, 0), (0, 0, 1)], np.float32)
        corners = self.corners @ (turn * np.float32(scale)) + np.array((x, y, z), np.float32)
        return replace(self, corners=corners)

    @property
    def normals(self) -> NDArray[np.float32]:
        """Unit normals, float32, shape (T, 3); of no particular side."""
        sides = self.corners[:, 1:] - self.corners[:, :1]
        normals = np.cross(sides[:, 0], sides[:, 1])
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        return normals / np.maximum(lengths, 1e-12)


def join(parts: Sequence[Triangles]) -> Triangles:
    """Put objects together."""
    return Triangles(
        np.concatenate([part.corners for part in parts]),
        np.concatenate([part.uv for part in parts]),
        np.concatenate([part.texture for part in parts]),
        np.concatenate([part.tint for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )


def quads(
    corners: ArrayLike,
    label: int,
    tint: ArrayLike = (1.0, 1.0, 1.0),
    texture: Texture = Texture.PLAIN,
    uv: ArrayLike = ((0, 0), (1, 0), (1, 1), (0, 1)),
) -> Triangles:
    """Make two triangles of every quadrilateral.

    :param corners: shape (Q, 4, 3) or (4, 3), in order around it.
    :param tint: shape (3,) or (Q, 3).
    :param uv: of the corners, shape (4, 2) or (Q, 4, 2); v grows downwards in the picture.
    """
    corners = np.asarray(corners, np.float32).reshape(-1, 4, 3)
    count = len(corners)
    uv = np.broadcast_to(np.asarray(uv, np.float32), (count, 4, 2))
    tint = np.broadcast_to(np.asarray(tint, np.float32), (count, 3))
    halves = [[0, 1, 2], [0, 2, 3]]
    return Triangles(
        corners[:, halves].reshape(-1, 3, 3),
        uv[:, halves].reshape(-1, 3, 2),
        np.full(2 * count, texture, np.int16),
        np.repeat(tint, 2, axis=0),
        np.full(2 * count, label, np.uint8),
    )
