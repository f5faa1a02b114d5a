"""The frames of benchmark/gpu.py.

``python benchmark/gpu_frames.py`` renders them into ``build/gpu_frames``, which git ignores and a
machine without a fitting numba can be given.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.geometry import Size
from stdc_core.model_file import ModelFile

FOLDER = Path(__file__).parents[1] / 'build/gpu_frames'
CAMERA = Size(720, 1280)
SEED, COUNT, STEP = 7, 6, 40  # every 40th frame of a drive


class Frames:
    """BGR frames of a camera, and the same of other sizes.

    :param source: where they are from.
    """

    def __init__(self, frames: list[NDArray[np.uint8]], source: str) -> None:
        self.camera = Size(*frames[0].shape[:2])
        self.source = source
        self._of_size = {self.camera: frames}

    def at(self, size: Size) -> list[NDArray[np.uint8]]:
        """Resize them, once."""
        if size not in self._of_size:
            self._of_size[size] = [
                np.ascontiguousarray(cv2.resize(frame, size[::-1]), np.uint8)
                for frame in self._of_size[self.camera]
            ]
        return self._of_size[size]

    def __str__(self) -> str:
        count = len(self._of_size[self.camera])
        return f'{count} of {self.camera}, {self.source}'


def has_frames(folder: Path = FOLDER) -> bool:
    """Whether frames were rendered into a folder."""
    return any(folder.glob('*.png'))


def read_frames(folder: Path = FOLDER) -> Frames:
    """Read frames that were rendered before."""
    paths = sorted(folder.glob('*.png'))
    return Frames([np.asarray(cv2.imread(str(path)), np.uint8) for path in paths], 'rendered')


def render_frames(camera: Size = CAMERA, count: int = COUNT) -> Frames:
    """Render a drive.

    :raises ImportError: there is no numba, or not for this numpy.
    """
    from stdc_core.synthetic.drive import SyntheticDrive

    drive = SyntheticDrive(SEED, camera)
    frames = [drive.frame(STEP * number).image[..., ::-1] for number in range(count)]
    return Frames([np.ascontiguousarray(frame) for frame in frames], 'rendered')


def self_check_frames(model: ModelFile) -> Frames:
    """Take the model file's own rendered frame, and its mirror image: no renderer is needed."""
    frame = model.metadata.self_check.frame[..., ::-1]
    frames = [np.ascontiguousarray(frame), np.ascontiguousarray(frame[:, ::-1])]
    return Frames(frames, "the self-check's and its mirror image")


def write_frames(frames: Frames, folder: Path = FOLDER) -> None:
    """Write PNGs."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames.at(frames.camera)):
        cv2.imwrite(str(folder / f'{number:02}.png'), frame)


if __name__ == '__main__':
    write_frames(rendered := render_frames())
    print(f'{FOLDER}: {rendered}')
