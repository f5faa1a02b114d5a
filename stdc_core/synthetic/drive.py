"""Pictures of rendered streets: a drive down one, or one from anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from stdc_core.geometry import Size
from stdc_core.synthetic.camera import Camera
from stdc_core.synthetic.renderer import render
from stdc_core.synthetic.sensor import draw_sensor, expose
from stdc_core.synthetic.street import VISIBLE, Street
from stdc_core.synthetic.weather import draw_weather

STREET_LENGTH = 600.0  # metres
CHECK_SEED, CHECK_FRAME = 13, 720  # all eleven classes are in it
BEGIN = 20.0  # metres; where drives begin
SPEED = 8.0  # of the camera, metres a second
FRAMES_A_STREET = 12  # of pictures from anywhere: a street takes as long to build as two pictures


@dataclass(frozen=True)
class RenderedFrame:
    """A picture and its exact labels.

    :param image: uint8, RGB, shape (H, W, 3).
    :param labels: uint8, CamVid's class ids, shape (H, W).
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]


class SyntheticDrive:
    """A drive down one rendered street, in one weather with one camera.

    :param seed: decides all of it.
    :param size: height and width of the pictures.
    :param rate: pictures a second.
    """

    def __init__(self, seed: int, size: tuple[int, int] = (360, 480), rate: float = 15.0) -> None:
        self.size = Size(*size)
        self.rate = rate
        self.seed = seed
        self.street = Street(seed, STREET_LENGTH)
        rng = np.random.default_rng([seed, 3])
        self.weather = draw_weather(rng)
        self.sensor = draw_sensor(rng)

    def __len__(self) -> int:
        return int((STREET_LENGTH - VISIBLE - 20) / SPEED * self.rate)

    def frame(self, index: int) -> RenderedFrame:
        """Render one picture; a pure function of the index.

        :raises IndexError: the drive is shorter.
        """
        if not 0 <= index < len(self):
            raise IndexError(f'frame {index} of a drive of {len(self)}')
        time = index / self.rate
        s = BEGIN + SPEED * time
        d = -0.5 * self.street.plan.profile.lane
        x, y, heading = (float(value) for value in self.street.plan.course.at(s, d))
        camera = Camera(
            self.size,
            focal_px=0.95 * self.size.width,
            position=(x, y, 1.35 + 0.01 * np.sin(7 * time)),
            heading=heading,
            pitch=-0.02 + 0.004 * np.sin(5 * time),
        )
        scene = self.street.scene(s, time, clear_of=(x, y))
        rendering = render(scene, camera, self.weather)
        rng = np.random.default_rng([self.seed, 4, index])
        return RenderedFrame(expose(rendering.light, self.sensor, rng), rendering.labels)


def street_picture(size: tuple[int, int]) -> NDArray[np.uint8]:
    """Render the picture on which engines prove themselves (:mod:`stdc_core.self_check`).

    :return: uint8, RGB, shape (*size*, 3); always the same for one version of this package.
    """
    return SyntheticDrive(CHECK_SEED, size).frame(CHECK_FRAME).image


def frame_from_anywhere(index: int, seed: int, size: tuple[int, int]) -> RenderedFrame:
    """Render a picture for training: another street every few pictures, each from another place.

    :param index: with the seed it decides all of it.
    """
    rng = np.random.default_rng([seed, index, 5])
    street = _street(seed, index // FRAMES_A_STREET)
    s = float(rng.uniform(BEGIN, STREET_LENGTH - 20))
    lane = street.plan.profile.lane
    d = float(rng.choice([-0.5 * lane, rng.uniform(-lane, 0.6 * lane)], p=[0.7, 0.3]))
    x, y, heading = (float(value) for value in street.plan.course.at(s, d))
    camera = Camera(
        Size(*size),
        focal_px=float(rng.uniform(0.7, 1.15)) * size[1],
        position=(x, y, float(rng.uniform(1.1, 1.9))),
        heading=heading
        + float(rng.choice([rng.normal(0, 0.05), rng.uniform(-0.5, 0.5)], p=[0.8, 0.2])),
        pitch=float(rng.normal(-0.01, 0.03)),
        roll=float(rng.normal(0, 0.012)),
    )
    scene = street.scene(s, float(rng.uniform(0, 60)), clear_of=(x, y))
    rendering = render(scene, camera, draw_weather(rng))
    return RenderedFrame(expose(rendering.light, draw_sensor(rng), rng), rendering.labels)


@lru_cache(maxsize=4)
def _street(seed: int, number: int) -> Street:
    entropy = np.random.SeedSequence([seed, number, 6])
    return Street(int(entropy.generate_state(1)[0]), STREET_LENGTH)
