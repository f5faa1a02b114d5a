"""Where ``stdc_seg segment`` puts its results: no file is ever half there."""

from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.atomic_file import atomic_path
from stdc_core.errors import UserError

Kind = Literal['mask', 'overlay', 'side_by_side']
SUFFIXES: dict[Kind, str] = {'mask': '.png', 'overlay': '.jpg', 'side_by_side': '.jpg'}


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
        self._writers: dict[Kind, cv2.VideoWriter] = {}
        self._stack = ExitStack()

    def write(self, kind: Kind, name: str, image: NDArray[np.uint8]) -> None:
        """Write one picture.

        :param image: uint8; BGR of shape (H, W, 3), or class ids of shape (H, W) for a mask.
        :raises UserError: it cannot be written.
        """
        if self._video is not None and kind != 'mask':
            self._video_writer(kind, self._video, image).write(image)
            return
        with atomic_path(self.folder / kind / f'{name}{SUFFIXES[kind]}') as part:
            if not cv2.imwrite(str(part), image):
                raise UserError(f'cannot write {part}')

    def _video_writer(self, kind: Kind, video: str, image: NDArray[np.uint8]) -> cv2.VideoWriter:
        if kind not in self._writers:
            part = self._stack.enter_context(atomic_path(self.folder / kind / f'{video}.mp4'))
            size = (image.shape[1], image.shape[0])
            writer = cv2.VideoWriter(str(part), cv2.VideoWriter.fourcc(*'mp4v'), self._fps, size)
            self._stack.callback(writer.release)
            if not writer.isOpened():
                raise UserError('this OpenCV cannot write MP4 videos: ask for --write mask')
            self._writers[kind] = writer
        return self._writers[kind]

    def __enter__(self) -> 'PictureWriter':
        self._stack.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.__exit__(*exception)  # type: ignore[arg-type]
