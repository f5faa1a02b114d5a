"""The pinhole camera that drives down the rendered street."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stdc_core.geometry import Size


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without distortion.

    :param size: of the picture, pixels.
    :param focal_px: focal length, pixels.
    :param position: in the street, metres.
    :param heading: radians, counter-clockwise, 0 looks along y.
    :param pitch: radians, positive looks up.
    :param roll: radians, positive tilts the picture's top to the left.
    """

    size: Size
    focal_px: float
    position: tuple[float, float, float]
    heading: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0

    @property
    def rotation(self) -> NDArray[np.float64]:
        """Street to camera, shape (3, 3): rows are the camera's right, down and ahead."""
        ch, sh = np.cos(self.heading), np.sin(self.heading)
        cp, sp = np.cos(self.pitch), np.sin(self.pitch)
        cr, sr = np.cos(self.roll), np.sin(self.roll)
        right = np.array((ch, sh, 0.0))
        ahead = np.array((-sh * cp, ch * cp, sp))
        down = np.cross(ahead, right)
        return np.array((cr * right - sr * down, sr * right + cr * down, ahead))

    @property
    def projection(self) -> NDArray[np.float64]:
        """Camera to homogeneous picture, shape (3, 3); the first pixel's centre is (0.5, 0.5)."""
        height, width = self.size
        return np.array(
            ((self.focal_px, 0, width / 2), (0, self.focal_px, height / 2), (0, 0, 1.0))
        )

    def rays(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Directions, in the street, through points of the picture, their depth ahead being 1.

        :param points: x, y in pixels, shape (N, 2).
        :return: shape (N, 3).
        """
        height, width = self.size
        x = (points[:, 0] - width / 2) / self.focal_px
        y = (points[:, 1] - height / 2) / self.focal_px
        return np.stack((x, y, np.ones_like(x)), 1) @ self.rotation
