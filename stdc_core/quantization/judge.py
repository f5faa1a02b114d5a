"""What an int8 network costs, on held-out frames: agreement with the float one, and mIoU."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.errors import UserError
from stdc_core.geometry import FrameGeometry, Size
from stdc_core.metrics import ConfusionMatrix, SegmentationScores
from stdc_core.model_file import ModelFile, logit_grid
from stdc_core.upsample import upsample_labels

try:
    import onnxruntime as ort
except ImportError as error:
    raise UserError(
        f"quantizing needs {error.name}: pip install 'stdc_seg_ros[quantize]'"
    ) from error

Progress = Callable[[str, int, int], None]  # what is being done, how many are done, of how many


@dataclass(frozen=True)
class HeldOutFrame:
    """A frame that nothing was calibrated on.

    :param image: uint8, RGB, shape (H, W, 3), of any size.
    :param labels: uint8, shape (H, W), class ids and 255 for what does not count; None where
        nobody knows.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Judgement:
    """How an int8 network compares with the float one; shares are 0..1.

    :param label_agreement: share of the pixels of all frames with the float network's label.
    :param float_scores: of the float network; None where no frame has labels, as ``scores``.
    :param scores: of the int8 network.
    """

    label_agreement: float
    float_scores: SegmentationScores | None = None
    scores: SegmentationScores | None = None

    @property
    def miou_loss(self) -> float | None:
        """How much mIoU the float network has more; negative where int8 is better."""
        if self.float_scores is None or self.scores is None:
            return None
        return self.float_scores.miou - self.scores.miou


class LiteralNetwork:
    """The graph as it stands, node by node: ONNX Runtime with nothing fused, on any processor.

    Q/DQ nodes round and the arithmetic between them is float, so no kernel's own rounding or
    overflow is in it. The definition that engines are held to.

    :param model: its graph, float or int8.
    :param size: of the network's input.
    """

    def __init__(self, model: ModelFile, size: tuple[int, int]) -> None:
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = len(os.sched_getaffinity(0))
        options.log_severity_level = 3  # errors
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        graph = model.static_graph(Size(*size), detail=False)
        self._session = ort.InferenceSession(graph, options, providers=['CPUExecutionProvider'])
        self._metadata = model.metadata
        self._size = Size(*size)

    def logits(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8, RGB, (*size*, 3) -> (C, h, w)."""
        return self._session.run(['logits'], {'image': image[None]})[0][0]

    def labels(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Segment a frame the way every engine does.

        :param frame: uint8, RGB, shape (H, W, 3), of any size.
        :return: uint8, class ids, shape (H, W).
        """
        geometry = FrameGeometry(Size(*frame.shape[:2]), self._size, self._metadata.resize)
        sampling = geometry.sampling(logit_grid(self._size), self._metadata.align_corners)
        return upsample_labels(self.logits(network_input(frame, geometry)), sampling)


def network_input(frame: NDArray[np.uint8], geometry: FrameGeometry) -> NDArray[np.uint8]:
    """Resize an RGB frame as engines do."""
    image = np.empty((*geometry.network, 3), np.uint8)
    geometry.resize(frame, image, 'rgb')
    return image


class Judge:
    """Compares networks with the float one, whose answers are computed once and kept.

    :param model: the float model file.
    :param size: of the network's input.
    :param frames: held out; either all have labels or none has.
    :param on_progress: called after each frame of each network.
    """

    def __init__(
        self,
        model: ModelFile,
        size: Size,
        frames: Sequence[HeldOutFrame],
        on_progress: Progress = lambda what, done, total: None,
    ) -> None:
        self._frames = frames
        self._size = size
        self._on_progress = on_progress
        self._classes = len(model.metadata.labels)
        network = LiteralNetwork(model, size)
        confusion = ConfusionMatrix(self._classes)
        self._answers: list[NDArray[np.uint8]] = []  # PNG: a large validation split fits
        for number in range(len(frames)):
            frame = frames[number]
            labels = network.labels(frame.image)
            if frame.labels is not None:
                confusion.update(frame.labels, labels)
            self._answers.append(cv2.imencode('.png', labels)[1])
            on_progress('float network', number + 1, len(frames))
        self._float_scores = confusion.scores() if confusion.counts.any() else None

    def judge(self, model: ModelFile) -> Judgement:
        """Compare a network of the same classes with the float one."""
        network = LiteralNetwork(model, self._size)
        confusion = ConfusionMatrix(self._classes)
        equal = pixels = 0
        for number, answer in enumerate(self._answers):
            frame = self._frames[number]
            labels = network.labels(frame.image)
            expected = cv2.imdecode(answer, cv2.IMREAD_UNCHANGED)
            equal += int(np.count_nonzero(labels == expected))
            pixels += labels.size
            if frame.labels is not None:
                confusion.update(frame.labels, labels)
            self._on_progress('int8 network', number + 1, len(self._answers))
        if self._float_scores is None:
            return Judgement(equal / pixels)
        return Judgement(equal / pixels, self._float_scores, confusion.scores())
