"""Where ``stdc_seg segment`` and ``quantize`` take their frames from."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.errors import UserError
from stdc_core.image_file import ImageFileError, decode_image_file, read_image_file

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')
CAMERA_FPS = 30.0  # of a camera that does not say

logger = logging.getLogger(__name__)


class Frame(NamedTuple):
    """One picture and the name its results go by."""

    name: str
    image: NDArray[np.uint8]  # BGR, (H, W, 3)


@dataclass(frozen=True)
class FrameSource:
    """Frames, once through.

    :param name: what a video of them is called.
    :param frames: without the unreadable images, which are logged as they come up. Pictures are
        turned upright by their EXIF orientation, so their masks are, too.
    :param total: how many, by the container's word for a video; None for a camera.
    :param fps: of a video or camera; None for images.
    :param live: a camera, which ends when the user says so.
    :param missing: what could not be read so far, in words.
    """

    name: str
    frames: Iterator[Frame]
    total: int | None
    fps: float | None = None
    live: bool = False
    missing: list[str] = field(default_factory=list)


# Opens the images of a bag by path, topic (None for the only one) and the most frames to take. The
# core reads no messages, so whoever can hands this in (:mod:`stdc_seg_ros.bag.frames`).
OpenBag = Callable[[Path, str | None, int], FrameSource]


def open_source(source: str, at_most: int | None = None) -> FrameSource:
    """Open an image, a folder of images, a video, or a camera by its index.

    :param at_most: of a folder or a video that says how long it is, take no more than so many
        frames, evenly spaced.
    :raises UserError: there is no such thing, or nothing in it.
    """
    path = Path(source)
    if source.isdecimal() and not path.exists():
        return _open_camera(int(source))
    if path.is_dir():
        images = sorted(p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
        if not images:
            raise UserError(f'{path} has no images ({", ".join(IMAGE_SUFFIXES)})')
        _refuse_same_names(images)
        if at_most is not None:
            images = [images[number] for number in evenly_spaced(len(images), at_most)]
        return _image_source(path.resolve().name, images)
    if not path.exists():
        raise UserError(f'{source} is no image, folder, video, or index of a camera')
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return _image_source(path.stem, [path])
    return _open_video(path, at_most)


def evenly_spaced(total: int, at_most: int) -> list[int]:
    """Choose some of 0..total-1, first and last among them."""
    count = min(total, at_most)
    return [round(number * (total - 1) / max(count - 1, 1)) for number in range(count)]


def _image_source(name: str, paths: list[Path]) -> FrameSource:
    missing: list[str] = []
    return FrameSource(name, _read_images(paths, missing), len(paths), missing=missing)


def _read_images(paths: list[Path], missing: list[str]) -> Iterator[Frame]:
    for path in paths:
        try:
            image = decode_image_file(read_image_file(path), cv2.IMREAD_COLOR)
        except (ImageFileError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            logger.error('%s: %s: left out', path, reason)
            missing.append(path.name)
        else:
            yield Frame(path.stem, image)


def _refuse_same_names(paths: list[Path]) -> None:
    seen: dict[str, Path] = {}
    for path in paths:
        if path.stem in seen:
            raise UserError(f'{path} and {seen[path.stem]} would give one mask: rename one')
        seen[path.stem] = path


def _open_video(path: Path, at_most: int | None) -> FrameSource:
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise UserError(f'{path} is no image or video that OpenCV can read')
    total = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    fps = capture.get(cv2.CAP_PROP_FPS)
    source = FrameSource(path.stem, iter(()), total if total > 0 else None, fps)
    chosen = evenly_spaced(total, at_most) if total > 0 and at_most is not None else None
    return replace(source, frames=_read_capture(capture, source, chosen))


def _open_camera(index: int) -> FrameSource:
    capture = cv2.VideoCapture(index)
    if not capture.isOpened():
        raise UserError(f'there is no camera {index}, or it is in use')
    fps = capture.get(cv2.CAP_PROP_FPS) or CAMERA_FPS
    name = f'camera{index}'
    source = FrameSource(name, iter(()), None, fps, live=True)
    return replace(source, frames=_read_capture(capture, source))


def _read_capture(
    capture: cv2.VideoCapture, source: FrameSource, chosen: list[int] | None = None
) -> Iterator[Frame]:
    number = 0
    try:
        while capture.grab():
            if chosen is not None and number not in chosen:
                number += 1
                continue
            read, image = capture.retrieve()
            if not read:
                break
            yield Frame(f'{source.name}_{number:06d}', image)  # type: ignore[arg-type]
            number += 1
    finally:
        capture.release()
    if source.total is not None and number < source.total:
        source.missing.append(f'{source.name} ends after {number} of {source.total} frames')
