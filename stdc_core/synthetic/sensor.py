"""What a camera does to a picture: exposure, colour cast, motion blur, vignette, noise.

None of it moves a pixel, so the labels stay exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Sensor:
    """One camera in one light.

    :param exposure: factor of all colours.
    :param balance: RGB, factors of the colours.
    :param contrast: slope of the response at middle grey; 1 is straight.
    :param vignette: share of the light that the corners lose.
    :param noise: standard deviation, of 0..255.
    :param blur_px: standard deviation of the lens's blur.
    :param motion_px: length of the smear from driving, at the picture's sides.
    """

    exposure: float = 1.0
    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    contrast: float = 1.0
    vignette: float = 0.1
    noise: float = 2.0
    blur_px: float = 0.4
    motion_px: float = 0.0


def draw_sensor(rng: np.random.Generator) -> Sensor:
    """Draw a camera."""
    balance = np.exp(rng.normal(0, 0.05, 3))
    return Sensor(
        exposure=float(np.exp(rng.normal(0.25, 0.2))),
        balance=tuple((balance / balance.mean()).tolist()),
        contrast=float(rng.uniform(0.9, 1.35)),
        vignette=float(rng.uniform(0, 0.3)),
        noise=float(rng.uniform(0.5, 6)),
        blur_px=float(rng.uniform(0.2, 0.9)),
        motion_px=float(rng.choice([0.0, rng.uniform(2, 6)])),
    )


def expose(
    picture: NDArray[np.float32], sensor: Sensor, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Take a picture of the light.

    :param picture: RGB, 0..255, shape (H, W, 3); written over.
    :return: uint8, shape (H, W, 3).
    """
    height, width = picture.shape[:2]
    if sensor.blur_px > 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), sensor.blur_px)  # type: ignore[assignment]
    if sensor.motion_px:
        picture = _smear(picture, sensor.motion_px)
    x = np.linspace(-1, 1, width, dtype=np.float32)
    y = np.linspace(-1, 1, height, dtype=np.float32)
    falloff = 1 - sensor.vignette * 0.5 * (x[None] ** 2 + y[:, None] ** 2)
    gain = np.float32(sensor.exposure) * np.array(sensor.balance, np.float32)
    picture *= falloff[..., None] * gain
    values = np.arange(256, dtype=np.float32) / 255
    curve = 255 / (1 + np.exp(-4 * sensor.contrast * (values - 0.5)))
    curve = 255 * (curve - curve[0]) / (curve[-1] - curve[0])
    straight = 255 * values
    response = np.clip(straight + (curve - straight) * (sensor.contrast - 0.9), 0, 255)
    noisy = picture + _noise(rng, picture.shape, sensor.noise)
    bytes_ = cv2.convertScaleAbs(np.maximum(noisy, 0))
    return cv2.LUT(bytes_, response.astype(np.uint8))


def _noise(
    rng: np.random.Generator, shape: tuple[int, ...], strength: float
) -> NDArray[np.float32]:
    noise = np.empty(shape, np.int8)
    cv2.setRNGSeed(int(rng.integers(2**31)))
    cv2.randn(noise, np.zeros(3), np.full(3, 32.0))
    return noise * np.float32(strength / 32)


def _smear(picture: NDArray[np.float32], length: float) -> NDArray[np.float32]:
    """Blend the picture with versions enlarged about its middle: the smear of driving ahead."""
    height, width = picture.shape[:2]
    total = picture.copy()
    for step in (1, 2):
        factor = 1 + step * length / width
        moved = cv2.warpAffine(
            picture,
            np.array(
                (
                    (factor, 0, (1 - factor) * width / 2),
                    (0, factor, (1 - factor) * height / 2),
                ),
                np.float64,
            ),
            (width, height),
            borderMode=cv2.BORDER_REPLICATE,
        )
        total += moved
    return total / np.float32(3)
