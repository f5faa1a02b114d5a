"""Light and air: sun or cloud, haze, the colour of the sky."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Weather:
    """What lights the street.

    :param sun: direction to the sun, a unit vector (x, y, z).
    :param sun_light: RGB, how much a surface that faces the sun gains; about 1 on a clear day.
    :param sky_light: RGB, from all sides.
    :param zenith: colour of the sky above, 0..255.
    :param haze: colour of the sky at the horizon and of the distance, 0..255.
    :param haze_distance: metres in which 63 % of a colour is lost to the haze.
    :param cloudiness: 0 for none, 1 for a closed ceiling.
    """

    sun: tuple[float, float, float]
    sun_light: Rgb
    sky_light: Rgb
    zenith: Rgb
    haze: Rgb
    haze_distance: float
    cloudiness: float


def draw_weather(rng: np.random.Generator) -> Weather:
    """Draw a day: clear, cloudy, hazy or dusk."""
    kind = rng.choice(['clear', 'cloudy', 'hazy', 'dusk'], p=[0.45, 0.3, 0.1, 0.15])
    azimuth = rng.uniform(0, 2 * np.pi)
    elevation = np.deg2rad(rng.uniform(18, 55))
    sun = _direction(azimuth, elevation)
    bright = rng.uniform(0.85, 1.15)
    if kind == 'clear':
        warm = 0.12 * (1 - elevation)
        return Weather(
            sun,
            (0.80 + warm, 0.78, 0.70 - warm),
            _scaled((0.46, 0.50, 0.58), bright),
            (92, 142, 212),
            (206, 220, 234),
            rng.uniform(250, 700),
            rng.uniform(0, 0.6),
        )
    if kind == 'cloudy':  # light from above, which still darkens what lies beneath a car
        return Weather(
            _direction(azimuth, np.deg2rad(80)),
            (0.30, 0.30, 0.30),
            _scaled((0.56, 0.58, 0.60), bright),
            (196, 202, 210),
            (222, 226, 230),
            rng.uniform(160, 400),
            rng.uniform(0.7, 1),
        )
    if kind == 'hazy':
        return Weather(
            _direction(azimuth, np.deg2rad(80)),
            (0.25, 0.25, 0.25),
            _scaled((0.60, 0.61, 0.62), bright),
            (208, 210, 213),
            (214, 216, 218),
            rng.uniform(50, 110),
            1.0,
        )
    return Weather(
        _direction(azimuth, np.deg2rad(75)),
        (0.10, 0.10, 0.11),
        _scaled((0.17, 0.18, 0.21), bright),
        (92, 104, 128),
        (150, 152, 160),
        rng.uniform(200, 400),
        rng.uniform(0.5, 1),
    )


def _direction(azimuth: float, elevation: float) -> tuple[float, float, float]:
    return (
        float(np.cos(elevation) * np.sin(azimuth)),
        float(np.cos(elevation) * np.cos(azimuth)),
        float(np.sin(elevation)),
    )


def _scaled(color: Rgb, factor: float) -> Rgb:
    return tuple(factor * value for value in color)  # type: ignore[return-value]
