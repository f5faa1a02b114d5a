"""mIoU and boundary F-score of a network or an engine on a split of a data set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from stdc_core.geometry import FrameGeometry, GridSampling, Size
from stdc_core.metrics import BoundaryScore, BoundaryScores, ConfusionMatrix, SegmentationScores
from stdc_core.model_file import MIN_SIZE, check_network_size, logit_grid
from stdc_core.networks import STDCSeg, fold_for_inference
from stdc_core.networks.model_graph import ModelGraph
from stdc_core.training.datasets import DatasetSplit
from stdc_core.upsample import sigmoid, upsample_labels, upsample_map

# RGB image (H, W, 3) -> class ids (H, W); both uint8.
Segmenter = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


@dataclass(frozen=True)
class Evaluation:
    """What was found on one split.

    :param scores: by one confusion matrix over all images.
    :param boundary: F-scores, one a width.
    :param confusion: pixels, int64, rows are the truth; the last column is unlabeled.
    :param image_mious: of each image by itself, 0..1, in the split's order; NaN without labels.
    """

    scores: SegmentationScores
    boundary: tuple[BoundaryScores, ...]
    confusion: ConfusionMatrix
    image_mious: tuple[float, ...]

    @property
    def images(self) -> int:
        """How many."""
        return len(self.image_mious)

    def worst(self, count: int) -> list[int]:
        """Name the images with the least mIoU of their own by their indices, the worst first."""
        order = np.argsort(self.image_mious, kind='stable')  # NaN is last
        return [int(i) for i in order[:count] if not np.isnan(self.image_mious[i])]


class NetworkSegmenter:
    """A torch network as evaluation and pictures use it: the way every engine goes.

    :param network: copied, folded; the argument is left as it is.
    :param size: of the network's input; None takes each image's own.
    :param device: to run on.
    :param align_corners: how its logits are upsampled.
    :raises InvalidArgumentError: the size is none of a network's input.
    """

    def __init__(
        self,
        network: STDCSeg,
        size: tuple[int, int] | None,
        device: torch.device,
        align_corners: bool = True,
    ) -> None:
        folded = fold_for_inference(network, detail=True).to(device)
        folded.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._graph = ModelGraph(folded).eval().to(device)
        self._size = None if size is None else check_network_size(size)
        self._device = device
        self._align_corners = align_corners

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """RGB image (H, W, 3) to class ids (H, W)."""
        return self.with_detail(image)[0]

    def with_detail(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Class ids and detail map (0..255), both (H, W)."""
        logits, detail, sampling = self._run(image)
        return upsample_labels(logits, sampling), upsample_map(sigmoid(detail), sampling)

    def logits_at(
        self, image: NDArray[np.uint8], row: NDArray[np.intp], column: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """Logits at some pixels of an image, bilinearly, (C, P) for P rows and columns."""
        logits, _, (_, rows, columns) = self._run(image)
        lower, upper = (
            columns.lower_weight[column] * logits[:, line[row], columns.lower[column]]
            + columns.upper_weight[column] * logits[:, line[row], columns.upper[column]]
            for line in (rows.lower, rows.upper)
        )
        return rows.lower_weight[row] * lower + rows.upper_weight[row] * upper

    @torch.inference_mode()
    def _run(
        self, image: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], GridSampling]:
        """Class logits (C, h, w), detail logits (h, w), and where the image's pixels are."""
        frame = Size(*image.shape[:2])
        size = self._size or Size(*(max(side, MIN_SIZE) for side in frame))
        geometry = FrameGeometry(frame, size, 'stretch')
        resized = np.empty((1, *size, 3), np.uint8)
        geometry.resize(image, resized[0], 'rgb')
        outputs = self._graph(torch.from_numpy(resized).to(self._device))
        logits, detail = (output[0].float().cpu().contiguous().numpy() for output in outputs)
        return logits, detail[0], geometry.sampling(logit_grid(size), self._align_corners)


def evaluate(
    segmenter: Segmenter,
    split: DatasetSplit,
    boundary_widths: Sequence[int] = (),
    on_image: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Segment every image of a split and compare with its labels at the labels' size.

    :param boundary_widths: pixels to either side of a boundary; one F-score each.
    :param on_image: called after each image.
    """
    confusion = ConfusionMatrix(len(split.labels))
    boundaries = [BoundaryScore(len(split.labels), width) for width in boundary_widths]
    image_mious = []
    for index in range(len(split)):
        sample = split.load(index)
        labels = segmenter(sample.image)
        image = ConfusionMatrix(len(split.labels))
        image.update(sample.labels, labels)
        image_mious.append(image.scores().miou)
        confusion += image
        for boundary in boundaries:
            boundary.update(sample.labels, labels)
        on_image()
    return Evaluation(
        confusion.scores(),
        tuple(boundary.scores() for boundary in boundaries),
        confusion,
        tuple(image_mious),
    )
