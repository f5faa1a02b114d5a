"""Pictures of what a network makes of a data set's images."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.labels import UNLABELED, LabelSet
from stdc_core.training.datasets import DatasetSplit, Sample
from stdc_core.training.evaluation import NetworkSegmenter, Segmenter

FRAMES = 4
WIDTH = 400  # pixels of one panel
PANELS = 4  # a row
BAR = 24  # pixels of a line of text


def draw_predictions(segmenter: NetworkSegmenter, split: DatasetSplit) -> NDArray[np.uint8]:
    """Draw image, truth, prediction and detail map of a few frames, spread over the split.

    :return: uint8, RGB, one row a frame.
    """
    rows = []
    for index in np.unique(np.linspace(0, len(split) - 1, FRAMES).astype(int)):
        sample = split.load(int(index))
        labels, detail = segmenter.with_detail(sample.image)
        edges = np.repeat(detail[..., None], 3, axis=2)
        rows.append(_row(sample, split.labels, labels, edges))
    return np.vstack([_text(('image', 'truth', 'prediction', 'detail')), *rows])


def draw_mistakes(
    segmenter: Segmenter, split: DatasetSplit, indices: Sequence[int], mious: Sequence[float]
) -> NDArray[np.uint8]:
    """Draw image, truth, prediction and the wrong pixels of some images, each under its name.

    A wrong pixel has the colour of what was predicted, a right one is grey, an unlabeled one
    black.

    :param mious: of each of these images, for its line of text.
    :return: uint8, RGB, two rows an image.
    """
    rows = []
    for index, miou in zip(indices, mious, strict=True):
        sample = split.load(index)
        labels = segmenter(sample.image)
        wrong = split.labels.colorize(labels)
        wrong[labels == sample.labels] = 70
        wrong[sample.labels == UNLABELED] = 0
        rows.append(_text([f'{sample.name}: mIoU {miou:.1%}']))
        rows.append(_row(sample, split.labels, labels, wrong))
    return np.vstack([_text(('image', 'truth', 'prediction', 'wrong')), *rows])


def _row(
    sample: Sample, classes: LabelSet, labels: NDArray[np.uint8], last: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    panels = (sample.image, classes.colorize(sample.labels), classes.colorize(labels), last)
    height = round(WIDTH * sample.image.shape[0] / sample.image.shape[1])
    return np.hstack([cv2.resize(panel, (WIDTH, height)) for panel in panels])


def _text(texts: Sequence[str]) -> NDArray[np.uint8]:
    """Write a line over a row, each text at the left of its panel."""
    line = np.zeros((BAR, PANELS * WIDTH, 3), np.uint8)
    for place, text in enumerate(texts):
        origin = (place * WIDTH + 6, 17)
        cv2.putText(line, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
    return line
