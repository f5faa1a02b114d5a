"""Weights that let rare classes count in a loss."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stdc_core.training.datasets.dataset import DatasetSplit

C = 1.02  # ENet's; keeps the weights between 1.4 and 50.5
FORMULA = '1 / ln(1.02 + share of the labelled pixels)'
RARE_SHARE = 0.03  # of CamVid: poles, signs, fences, pedestrians, cyclists


def enet_class_weights(pixels: ArrayLike) -> NDArray[np.float64]:
    """Weight classes as ENet does (Paszke et al., 2016, arXiv 1606.02147).

    Unlike median frequency balancing this is bounded: a class without pixels gets 50.5, not
    infinity.

    :param pixels: labelled pixels of each class in the training split, shape (C,), not all 0.
    :return: shape (C,), 1.4 (the only class there is) to 50.5 (none of its pixels).
    """
    counts = np.asarray(pixels, np.float64)
    return 1 / np.log(C + counts / counts.sum())


def class_shares(split: DatasetSplit) -> NDArray[np.float64]:
    """Count how much of a split's labelled pixels each class has.

    :return: shape (C,), adds up to 1.
    """
    pixels = np.zeros(len(split.labels), np.int64)
    for pair in split.pairs:
        labels = split.decoder.decode(pair.label_path).labels
        pixels += np.bincount(labels.ravel(), minlength=256)[: len(pixels)]
    return pixels / pixels.sum()


def balancing_weights(shares: NDArray[np.float64], power: float) -> NDArray[np.float32]:
    """ENet's weights to a power, scaled so that the average labelled pixel has weight 1.

    :param shares: of the labelled pixels, shape (C,), adds up to 1.
    :param power: 0 for equal weights, 1 for ENet's.
    :return: shape (C,), for the loss.
    """
    weights = enet_class_weights(shares) ** power
    return (weights / (shares @ weights)).astype(np.float32)


def rare_classes(shares: NDArray[np.float64]) -> list[int]:
    """List the classes with less than :data:`RARE_SHARE` of the pixels, and any at all."""
    return [int(class_id) for class_id in np.flatnonzero((shares > 0) & (shares < RARE_SHARE))]
