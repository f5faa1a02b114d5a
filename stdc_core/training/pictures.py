"""A picture of what the network makes of a few fixed frames."""

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.training.datasets import DatasetSplit
from stdc_core.training.evaluation import NetworkSegmenter

FRAMES = 4
WIDTH = 400  # pixels of one panel
CAPTIONS = ('image', 'truth', 'prediction', 'detail')


def draw_predictions(segmenter: NetworkSegmenter, split: DatasetSplit) -> NDArray[np.uint8]:
    """Draw image, truth, prediction and detail map of a few frames, spread over the split.

    :return: uint8, RGB, one row a frame.
    """
    rows = []
    for index in np.unique(np.linspace(0, len(split) - 1, FRAMES).astype(int)):
        sample = split.load(int(index))
        labels, detail = segmenter.with_detail(sample.image)
        panels = [
            sample.image,
            split.labels.colorize(sample.labels),
            split.labels.colorize(labels),
            cv2.cvtColor(detail, cv2.COLOR_GRAY2RGB),
        ]
        height = round(WIDTH * sample.image.shape[0] / sample.image.shape[1])
        rows.append(np.hstack([cv2.resize(panel, (WIDTH, height)) for panel in panels]))
    width = max(row.shape[1] for row in rows)
    caption = np.zeros((24, width, 3), np.uint8)
    for place, text in enumerate(CAPTIONS):
        origin = (place * WIDTH + 6, 17)
        cv2.putText(caption, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
    return np.vstack([caption, *rows])
