"""Where ``stdc_seg quantize`` takes its frames from: a bag, a data set, images, rendered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stdc_core.command_line.frame_source import FrameSource, OpenBag, evenly_spaced, open_source
from stdc_core.errors import UserError
from stdc_core.geometry import FrameGeometry, Size
from stdc_core.model_file import ModelFile
from stdc_core.quantization.judge import HeldOutFrame, network_input
from stdc_core.quantization.quantize import CalibrationSet
from stdc_core.synthetic.drive import FRAMES_A_STREET, frame_from_anywhere
from stdc_core.training.datasets import DatasetSplit, Layout, open_dataset

HELD_OUT_EACH = 5  # of images and rendered frames every fifth is not calibrated on
RENDERED_STEP = FRAMES_A_STREET // 4  # four pictures a street: many streets, and not too slow

OnFrame = Callable[[int], None]


def rendered_streets(
    model: ModelFile, size: Size, frames: int, seed: int, on_frame: OnFrame
) -> CalibrationSet:
    """Render streets; labels are not known, since the model's classes may be others."""
    pictures = (
        frame_from_anywhere(number * RENDERED_STEP, seed, size).image
        for number in range(_with_held_out(frames))
    )
    return _split(pictures, model, size, {'source': 'rendered street', 'seed': seed}, on_frame)


def images_of(
    source: str, model: ModelFile, size: Size, frames: int, on_frame: OnFrame
) -> CalibrationSet:
    """Read a folder of images or a video, evenly spaced frames of it.

    :raises UserError: there is no such thing, it is a camera, or has too few frames.
    """
    opened = open_source(source, _with_held_out(frames))
    if opened.live:
        raise UserError(f'{source} is a camera: record a video or images, and name those')
    return _frames_of(opened, model, size, {'source': source}, on_frame)


def bag_of(
    open_bag: OpenBag,
    bag: Path,
    topic: str | None,
    model: ModelFile,
    size: Size,
    frames: int,
    on_frame: OnFrame,
) -> CalibrationSet:
    """Read the images of a bag, evenly spaced frames of them.

    :raises UserError: it cannot be read, or has too few frames.
    """
    opened = open_bag(bag, topic, _with_held_out(frames))
    facts = {'source': str(bag), 'topic': opened.name}
    return _frames_of(opened, model, size, facts, on_frame)


def dataset_of(
    path: Path, layout: Layout, model: ModelFile, size: Size, frames: int, on_frame: OnFrame
) -> CalibrationSet:
    """Calibrate on frames of the split train, judge by all of val, with its labels.

    :raises DatasetError: it cannot be read.
    :raises UserError: its classes are not the model's.
    """
    dataset = open_dataset(path, layout)
    train, val = dataset.split('train'), dataset.split('val')
    labels = model.metadata.labels
    if val.labels.names != labels.names:
        raise UserError(
            f"{model.path} has the classes of '{labels.name}', {path} those of "
            f"'{val.labels.name}': they have to be the same, in the same order"
        )
    images = []
    for number in evenly_spaced(len(train), frames):
        images.append(_resized(train.load(number).image, model, size))
        on_frame(len(images))
    facts = {'source': str(path), 'calibrated_on': 'train', 'held_out': 'val'}
    return CalibrationSet(images, _HeldOutSplit(val), facts, split='val')


class _HeldOutSplit(Sequence[HeldOutFrame]):
    """A split, read frame by frame: a large one does not have to fit in memory."""

    def __init__(self, split: DatasetSplit) -> None:
        self._split = split

    def __len__(self) -> int:
        return len(self._split)

    def __getitem__(self, index: int) -> HeldOutFrame:  # type: ignore[override]  # no slices
        sample = self._split.load(index)
        return HeldOutFrame(sample.image, sample.labels)

    def __iter__(self) -> Iterator[HeldOutFrame]:
        return (self[index] for index in range(len(self)))


def _frames_of(
    opened: FrameSource, model: ModelFile, size: Size, facts: Mapping[str, str], on_frame: OnFrame
) -> CalibrationSet:
    pictures = (np.ascontiguousarray(image[..., ::-1]) for _, image in opened.frames)
    calibration = _split(pictures, model, size, facts, on_frame)
    if opened.missing:
        raise UserError(f'not all could be read: {", ".join(opened.missing)}')
    if not calibration.held_out:
        raise UserError(
            f'{" ".join(facts.values())} has {len(calibration.images)} frame(s), expected at '
            f'least {HELD_OUT_EACH}: every fifth is kept to judge by'
        )
    return calibration


def _with_held_out(frames: int) -> int:
    return frames + frames // (HELD_OUT_EACH - 1)


def _split(
    pictures: Iterable[NDArray[np.uint8]],
    model: ModelFile,
    size: Size,
    facts: Mapping[str, object],
    on_frame: OnFrame,
) -> CalibrationSet:
    """Hold every fifth picture out; all are kept in the network's size."""
    images: list[NDArray[np.uint8]] = []
    held_out: list[HeldOutFrame] = []
    for number, picture in enumerate(pictures, start=1):
        image = _resized(picture, model, size)
        if number % HELD_OUT_EACH:
            images.append(image)
        else:
            held_out.append(HeldOutFrame(image))
        on_frame(number)
    return CalibrationSet(images, held_out, facts)


def _resized(picture: NDArray[np.uint8], model: ModelFile, size: Size) -> NDArray[np.uint8]:
    geometry = FrameGeometry(Size(*picture.shape[:2]), size, model.metadata.resize)
    return network_input(picture, geometry)
