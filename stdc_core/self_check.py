"""The frame on which every engine proves itself before it is used."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.geometry import Size


@dataclass(frozen=True)
class SelfCheck:
    """A frame of the model's default size and what the exported network makes of it.

    :param frame: uint8, RGB, shape (H, W, 3).
    :param labels: uint8, shape (H, W), by torch in fp32 and :mod:`stdc_core.upsample`.
    """

    frame: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def agreement(self, labels: NDArray[np.uint8]) -> float:
        """Share of pixels, 0..1, on which an engine's labels are the expected ones."""
        return float(np.mean(labels == self.labels))


def draw_street(size: Size, seed: int = 0) -> NDArray[np.uint8]:
    """Draw a street of plain shapes: sky, houses, trees, road, cars, poles.

    :return: uint8, RGB, shape (*size*, 3); the same for the same size and seed.
    """
    rng = np.random.default_rng(seed)
    height, width = size
    horizon = int(0.45 * height)
    image = np.empty((height, width, 3), np.uint8)
    image[:horizon] = np.linspace((120, 160, 220), (210, 220, 235), horizon)[:, None]
    image[horizon:] = (150, 140, 135)  # pavement

    def box(left: float, top: float, right: float, bottom: float, color: object) -> None:
        corners = [(int(x * width), int(y * height)) for x, y in ((left, top), (right, bottom))]
        cv2.rectangle(image, *corners, color, cv2.FILLED)  # type: ignore[call-overload]

    left = 0.0
    while left < 1:
        right = left + rng.uniform(0.08, 0.2)
        top = rng.uniform(0.05, 0.3)
        box(left, top, right, 0.55, rng.integers(60, 190, 3).tolist())
        for x in np.arange(left + 0.02, right - 0.02, 0.035):
            for y in np.arange(top + 0.03, 0.5, 0.07):
                box(x, y, x + 0.015, y + 0.04, (50, 60, 75))
        left = right
    road = np.array([(0.42, 0.5), (0.58, 0.5), (1.05, 1.0), (-0.05, 1.0)]) * (width, height)
    cv2.fillConvexPoly(image, road.astype(np.int32), (85, 85, 90))
    for y in (0.56, 0.66, 0.8):
        box(0.495, y, 0.505, y + 0.06, (220, 220, 215))
    for x in (0.06, 0.93):
        box(x - 0.008, 0.35, x + 0.008, 0.62, (90, 65, 45))
        center = (int(x * width), int(0.3 * height))
        cv2.circle(image, center, int(0.12 * height), (60, 110, 50), cv2.FILLED)
    for x in (0.2, 0.78):
        box(x, 0.1, x + 0.008, 0.6, (100, 100, 100))
    for x, y, scale in ((0.3, 0.6, 1.0), (0.62, 0.55, 0.7)):
        box(x, y, x + 0.14 * scale, y + 0.12 * scale, rng.integers(30, 220, 3).tolist())
        box(x + 0.02 * scale, y - 0.06 * scale, x + 0.12 * scale, y, (40, 45, 60))
    return image
