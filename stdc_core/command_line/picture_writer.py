"""Where ``stdc_seg segment`` puts its results: no file is ever half there."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.atomic_file import atomic_path
from stdc_core.errors import UserError
from stdc_core.image_file import write_image_file

Kind = Literal['mask', 'overlay', 'side_by_side']
SUFFIXES: dict[Kind, str] = {'mask': '.png', 'overlay': '.jpg', 'side_by_side': '.jpg'}

Write = Callable[[NDArray[np.uint8]], None]


class PictureWriter:
    """Writes masks as PNG, pictures as JPEG, and of videos the pictures as one video a kind.

    A context manager: the videos are in place when it ends without exception, else not at all.

    :param folder: results go to ``folder/KIND/NAME.png|jpg``, videos to ``folder/KIND/NAME.mp4``.
    :param video: name of the video; None writes single pictures.
    :param fps: of the videos.
    """

    def __init__(self, folder: Path, video: str | None, fps: float) -> None:
        self.folder = folder
        self._video = video
        self._fps = fps
        self._writers: dict[Kind, Write] = {}
        self._stack = ExitStack()

    def write(self, kind: Kind, name: str, image: NDArray[np.uint8]) -> None:
        """Write one picture.

        :param image: uint8; BGR of shape (H, W, 3), or class ids of shape (H, W) for a mask.
        :raises UserError: it is too large, or the video cannot be written.
        :raises OSError: it cannot be written.
        """
        if self._video is not None and kind != 'mask':
            if kind not in self._writers:
                video = _open_video(
                    self.folder / kind / f'{self._video}.mp4', self._fps, image.shape
                )
                self._writers[kind] = self._stack.enter_context(video)
            self._writers[kind](image)
            return
        write_image_file(self.folder / kind / f'{name}{SUFFIXES[kind]}', image)

    def __enter__(self) -> 'PictureWriter':
        self._stack.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.__exit__(*exception)  # type: ignore[arg-type]


@contextmanager
def _open_video(path: Path, fps: float, shape: tuple[int, ...]) -> Iterator[Write]:
    count = 0
    with atomic_path(path) as part:
        writer = cv2.VideoWriter(
            str(part), cv2.VideoWriter.fourcc(*'mp4v'), fps, (shape[1], shape[0])
        )
        if not writer.isOpened():
            raise UserError('this OpenCV cannot write MP4 videos: ask for --write mask')

        def write(image: NDArray[np.uint8]) -> None:
            nonlocal count
            writer.write(image)
            count += 1

        try:
            yield write
        finally:
            writer.release()
        if _count_frames(part) != count:  # OpenCV reports no write that failed
            raise UserError(f'{path} could not be written whole: is the disk full?')


def _count_frames(path: Path) -> int:
    capture = cv2.VideoCapture(str(path))
    try:
        return int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
    finally:
        capture.release()
