"""How good masks are: IoU from one confusion matrix, and how well boundaries lie.

Both accumulate over a whole data set and give their scores once, at the end: a mean of scores of
single images weighs a class by the images it is in, and is another figure. Truth 255 does not
count. Runs without torch: robots measure themselves too.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.errors import InvalidArgumentError
from stdc_core.labels import UNLABELED

NAN = float('nan')


@dataclass(frozen=True)
class SegmentationScores:
    """What a confusion matrix says; shares are 0..1, NaN where there is nothing to measure.

    :param iou: intersection over union of each class; NaN for those in ``absent``.
    :param miou: mean of ``iou`` over the classes that are not absent.
    :param absent: ids of the classes that neither truth nor prediction has; they are left out.
    :param pixel_accuracy: share of the pixels that are right.
    :param mean_accuracy: mean over the classes that the truth has of the share of their pixels
        that are right.
    :param pixels: how many counted: those whose truth is not 255.
    """

    iou: tuple[float, ...]
    miou: float
    absent: tuple[int, ...]
    pixel_accuracy: float
    mean_accuracy: float
    pixels: int


class ConfusionMatrix:
    """Which class was taken for which, in pixels of a whole data set.

    A prediction of 255 (under the confidence threshold) is wrong: its pixel is missed for the true
    class and is no false positive of another.

    :param num_classes: 1..255.
    """

    def __init__(self, num_classes: int) -> None:
        self.num_classes = _checked_classes(num_classes)
        self.counts: NDArray[np.int64] = np.zeros((num_classes, num_classes + 1), np.int64)
        """int64, shape (C, C + 1): row true class, column predicted class, last column 255."""

    def update(self, truth: NDArray[np.uint8], prediction: NDArray[np.uint8]) -> None:
        """Count one image.

        :param truth: uint8, shape (H, W), classes 0..C-1, and 255 for what does not count.
        :param prediction: uint8, shape (H, W), classes 0..C-1, and 255 for no class.
        :raises InvalidArgumentError: a mask has another value, or another shape or type; nothing
            was counted.
        """
        _check_masks(truth, prediction)
        both = truth.astype(np.uint16) << 8 | prediction
        joint = np.bincount(both.ravel(), minlength=1 << 16).reshape(256, 256)
        _check_values('truth', joint.sum(1), self.num_classes)
        _check_values('prediction', joint.sum(0), self.num_classes)
        classes = self.num_classes
        self.counts[:, :classes] += joint[:classes, :classes]
        self.counts[:, classes] += joint[:classes, UNLABELED]

    def __add__(self, other: ConfusionMatrix) -> ConfusionMatrix:
        """Both data sets together, e.g. what two processes counted."""
        if other.num_classes != self.num_classes:
            raise InvalidArgumentError(
                f'cannot add confusion matrices of {self.num_classes} and {other.num_classes} '
                'classes: count with one label set'
            )
        total = ConfusionMatrix(self.num_classes)
        total.counts = self.counts + other.counts
        return total

    def scores(self) -> SegmentationScores:
        """Scores of everything counted so far."""
        right = np.diagonal(self.counts)
        true = self.counts.sum(1)
        union = true + self.counts[:, : self.num_classes].sum(0) - right
        iou = _ratio(right, union)
        pixels = int(true.sum())
        return SegmentationScores(
            iou=tuple(iou.tolist()),
            miou=_mean(iou),
            absent=tuple(np.flatnonzero(union == 0).tolist()),
            pixel_accuracy=int(right.sum()) / pixels if pixels else NAN,
            mean_accuracy=_mean(_ratio(right, true)),
            pixels=pixels,
        )


@dataclass(frozen=True)
class BoundaryScores:
    """How well boundaries lie; shares are 0..1, NaN where there is nothing to measure.

    :param width_px: how far a boundary pixel may lie from its counterpart.
    :param precision: of each class: share of its predicted boundary that is near a true one; NaN
        where nothing is predicted.
    :param recall: of each class: share of its true boundary that is near a predicted one; NaN
        where the truth has none.
    :param f_score: of each class, the harmonic mean of both, 0 where one of them is 0 or NaN;
        NaN for those in ``absent``.
    :param mean_f_score: over the classes that are not absent.
    :param absent: ids of the classes without boundary in truth and prediction; they are left out.
    """

    width_px: int
    precision: tuple[float, ...]
    recall: tuple[float, ...]
    f_score: tuple[float, ...]
    mean_f_score: float
    absent: tuple[int, ...]


class BoundaryScore:
    """Boundary F-score of each class, over a whole data set.

    Precision, recall and F are those of Csurka et al., "What is a good evaluation measure for
    semantic segmentation?" (BMVC 2013), matched by dilation as in Perazzi et al., "A benchmark
    dataset and evaluation methodology for video object segmentation" (CVPR 2016):

    - A pixel of class c is boundary of c if one of its four neighbours in the image is not c. The
      image's own border makes no boundary.
    - It is matched if the other mask has boundary of c at a Euclidean distance of at most
      ``width_px`` (between pixel centres, so 0 asks for the same pixel).
    - Pixels whose truth is 255 are neither boundary nor neighbour, in both masks.
    - Predicted 255 ends the regions beside it like another class, and has no boundary of its own.

    Unlike both papers it counts pixels over all images before it divides: images with little
    boundary weigh little, and a class that is missing from an image needs no rule. Unlike Csurka's
    the width is in pixels (theirs: 0.75 % of the image's diagonal): it must be stated beside the
    score and holds for the size the masks have here.

    :param num_classes: 1..255.
    :param width_px: at least 0; time grows with its square (360x480, 11 classes: a few ms at 3).
    """

    def __init__(self, num_classes: int, width_px: int) -> None:
        if width_px < 0:
            raise InvalidArgumentError(f'width_px is {width_px}, expected at least 0')
        self.num_classes = _checked_classes(num_classes)
        self.width_px = width_px
        self.counts: NDArray[np.int64] = np.zeros((4, num_classes), np.int64)
        """int64, shape (4, C): matched predicted, predicted, matched true and true boundary."""
        self._disk = disk_of(width_px)

    def update(self, truth: NDArray[np.uint8], prediction: NDArray[np.uint8]) -> None:
        """Count one image.

        :param truth: uint8, shape (H, W), classes 0..C-1, and 255 for what does not count.
        :param prediction: uint8, shape (H, W), classes 0..C-1, and 255 for no class.
        :raises InvalidArgumentError: a mask has another value, or another shape or type; nothing
            was counted.
        """
        _check_masks(truth, prediction)
        for what, mask in (('truth', truth), ('prediction', prediction)):
            if ((mask >= self.num_classes) & (mask != UNLABELED)).any():
                _check_values(what, np.bincount(mask.ravel(), minlength=256), self.num_classes)
        counted = truth != UNLABELED
        edges = [boundary_pixels(mask, counted) for mask in (truth, prediction)]
        true, predicted = (
            np.where(edge, mask, UNLABELED)
            for edge, mask in zip(edges, (truth, prediction), strict=True)
        )
        pixels = np.bincount(truth[edges[0]], minlength=256)
        pixels += np.bincount(prediction[edges[1]], minlength=256)
        for class_id in np.flatnonzero(pixels[: self.num_classes]):
            self.counts[:, class_id] += self._match(true == class_id, predicted == class_id)

    def _match(self, true: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Count one class, in the rectangle that has all of its boundary."""
        left, top, width, height = cv2.boundingRect((true | predicted).view(np.uint8))
        part = (slice(top, top + height), slice(left, left + width))
        true, predicted = true[part], predicted[part]
        return np.array(
            [
                np.count_nonzero(predicted & dilate(true, self._disk)),
                np.count_nonzero(predicted),
                np.count_nonzero(true & dilate(predicted, self._disk)),
                np.count_nonzero(true),
            ]
        )

    def __add__(self, other: BoundaryScore) -> BoundaryScore:
        """Both data sets together, e.g. what two processes counted."""
        if (other.num_classes, other.width_px) != (self.num_classes, self.width_px):
            raise InvalidArgumentError(
                f'cannot add boundary scores of {self.num_classes} classes at {self.width_px} px '
                f'and {other.num_classes} classes at {other.width_px} px: count alike'
            )
        total = BoundaryScore(self.num_classes, self.width_px)
        total.counts = self.counts + other.counts
        return total

    def scores(self) -> BoundaryScores:
        """Scores of everything counted so far."""
        matched_predicted, predicted, matched_true, true = self.counts
        precision, recall = _ratio(matched_predicted, predicted), _ratio(matched_true, true)
        either = np.nan_to_num(precision) + np.nan_to_num(recall)
        both = np.nan_to_num(precision * recall)
        f_score = np.divide(2 * both, either, out=np.zeros_like(either), where=either > 0)
        f_score[predicted + true == 0] = NAN
        return BoundaryScores(
            width_px=self.width_px,
            precision=tuple(precision.tolist()),
            recall=tuple(recall.tolist()),
            f_score=tuple(f_score.tolist()),
            mean_f_score=_mean(f_score),
            absent=tuple(np.flatnonzero(predicted + true == 0).tolist()),
        )


def boundary_pixels(mask: NDArray[np.uint8], counted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find pixels with another value beside them (4 neighbours), where both of them count."""
    boundary = np.zeros(mask.shape, np.bool_)
    for axis in (0, 1):
        first = (slice(None),) * axis + (slice(None, -1),)
        second = (slice(None),) * axis + (slice(1, None),)
        differs = (mask[first] != mask[second]) & counted[first] & counted[second]
        boundary[first] |= differs
        boundary[second] |= differs
    return boundary


def disk_of(radius_px: int) -> NDArray[np.uint8]:
    """Pixels at most so far away, as a kernel of :func:`dilate`; 1 inside, 0 outside."""
    steps = np.arange(-radius_px, radius_px + 1)
    return (np.add.outer(steps**2, steps**2) <= radius_px**2).astype(np.uint8)


def dilate(pixels: NDArray[np.bool_], disk: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Find what is within the disk's radius of one of the pixels."""
    grown = cv2.dilate(
        np.ascontiguousarray(pixels).view(np.uint8),
        disk,
        borderType=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    return grown.view(np.bool_)


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.full(part.shape, NAN), where=whole > 0)


def _mean(values: NDArray[np.float64]) -> float:
    """Mean without the NaN; NaN of nothing."""
    present = values[~np.isnan(values)]
    return float(present.mean()) if present.size else NAN


def _checked_classes(num_classes: int) -> int:
    if not 1 <= num_classes <= UNLABELED:
        raise InvalidArgumentError(f'num_classes is {num_classes}, expected 1 to {UNLABELED}')
    return num_classes


def _check_masks(truth: NDArray[np.uint8], prediction: NDArray[np.uint8]) -> None:
    for what, mask in (('truth', truth), ('prediction', prediction)):
        if mask.dtype != np.uint8 or mask.ndim != 2:
            raise InvalidArgumentError(
                f'{what} is {mask.dtype} of shape {mask.shape}, expected uint8 (height, width)'
            )
    if truth.shape != prediction.shape:
        raise InvalidArgumentError(
            f'truth is {truth.shape[0]}x{truth.shape[1]} and prediction {prediction.shape[0]}x'
            f'{prediction.shape[1]} (height x width), expected one size: resize the prediction'
        )


def _check_values(what: str, pixels: NDArray[np.int64], num_classes: int) -> None:
    """:param pixels: how many have each value, shape (256,)."""
    outside = np.flatnonzero(pixels[num_classes:UNLABELED]) + num_classes
    if outside.size:
        value = outside[0]
        raise InvalidArgumentError(
            f'{what} has the value {value} ({pixels[value]:,} pixels), expected '
            f'0..{num_classes - 1} or {UNLABELED}: map ids to classes before'
        )
