"""How good the masks of a replay are: against the bag's labels, and against the engine itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.engines import InferenceEngine
from stdc_core.labels import UNLABELED, LabelSet
from stdc_core.metrics import BoundaryScore, BoundaryScores, ConfusionMatrix, SegmentationScores
from stdc_seg_ros.bag.bag_reader import COMPRESSED_IMAGE, BagReader
from stdc_seg_ros.bag.mask_recorder import stamp_ns
from stdc_seg_ros.image_messages import CameraFrame, decode_compressed, decode_image

BOUNDARY_PX = 3


@dataclass(frozen=True)
class MaskScores:
    """Masks against labels of the same stamp.

    :param frames: how many had both.
    """

    frames: int
    regions: SegmentationScores
    boundary: BoundaryScores


@dataclass(frozen=True)
class SamplePictures:
    """One frame and all that is made of it; RGB uint8 pictures of the frame's size.

    :param truth: None where the bag has no labels for it.
    :param agreement: share of the mask's pixels that equal those of the engine run directly.
    """

    stamp_ns: int
    frame: NDArray[np.uint8]
    truth: NDArray[np.uint8] | None
    mask: NDArray[np.uint8]
    detail: NDArray[np.uint8] | None
    confidence: NDArray[np.uint8]
    agreement: float


def read_mask(folder: Path, stamp: int) -> NDArray[np.uint8] | None:
    """Read the mask of a stamp; None where the node published none."""
    path = folder / f'{stamp}.png'
    return cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) if path.exists() else None  # type: ignore[return-value]


def score_masks(
    reader: BagReader, label_topic: str, masks: Path, labels: LabelSet
) -> MaskScores | None:
    """Compare every mask with the labels of its stamp; None where no stamp has both."""
    confusion = ConfusionMatrix(len(labels))
    boundary = BoundaryScore(len(labels), BOUNDARY_PX)
    frames = 0
    for _, message in reader.read(label_topic):
        mask = read_mask(masks, stamp_ns(message.header))
        if mask is None:
            continue
        truth = _truth(message, labels)
        confusion.update(truth, mask)
        boundary.update(truth, mask)
        frames += 1
    return MaskScores(frames, confusion.scores(), boundary.scores()) if frames else None


def _truth(message: Any, labels: LabelSet) -> NDArray[np.uint8]:
    """Class ids of a label message; what is no class does not count."""
    ids = decode_image(message).pixels[..., 0]
    return np.where(ids < len(labels), ids, UNLABELED).astype(np.uint8)


def sample_pictures(
    reader: BagReader,
    topic: str,
    label_topic: str | None,
    masks: Path,
    engine: InferenceEngine,
    count: int,
    on_picture: Callable[[], None] = lambda: None,
) -> list[SamplePictures]:
    """Take frames from all along the bag, and run the engine on them without ROS.

    :param engine: of the node's model, size and precision; with detail where it can.
    :param count: at most.
    """
    stamps = sorted(int(path.stem) for path in masks.glob('*.png'))
    if not stamps:
        return []
    places = np.linspace(0, len(stamps) - 1, min(count, len(stamps)) + 2).round().astype(int)
    chosen = {stamps[place] for place in places[1:-1]}
    truths = {} if label_topic is None else dict(_label_masks(reader, label_topic, chosen))
    pictures = []
    labels = engine.model.metadata.labels
    for stamp, frame in _frames(reader, topic, chosen):
        mask = read_mask(masks, stamp)
        assert mask is not None
        result = engine.infer(frame.pixels, color_order=frame.color_order, confidence=True)
        assert result.confidence is not None
        rgb = frame.pixels if frame.color_order == 'rgb' else frame.pixels[..., ::-1]
        rgb = np.ascontiguousarray(rgb)
        truth = truths.get(stamp)
        pictures.append(
            SamplePictures(
                stamp,
                rgb,
                None if truth is None else labels.colorize(truth),
                labels.overlay(rgb, mask, 0.6),
                None if result.detail is None else cv2.merge([result.detail] * 3),  # type: ignore[arg-type]
                cv2.merge([result.confidence] * 3),  # type: ignore[arg-type]
                float((result.labels == mask).mean()),
            )
        )
        on_picture()
    return pictures


def _frames(reader: BagReader, topic: str, chosen: set[int]) -> Iterator[tuple[int, CameraFrame]]:
    compressed = reader.topic(topic).type == COMPRESSED_IMAGE
    for _, message in reader.read(topic):
        stamp = stamp_ns(message.header)
        if stamp in chosen:
            yield stamp, decode_compressed(message) if compressed else decode_image(message)


def _label_masks(
    reader: BagReader, topic: str, chosen: set[int]
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    for _, message in reader.read(topic):
        stamp = stamp_ns(message.header)
        if stamp in chosen:
            yield stamp, decode_image(message).pixels[..., 0].copy()
