"""A bias for each class's logits that makes the mean IoU greatest, found after the training.

Cross entropy trains probabilities, and the likeliest class is the best answer where every pixel
counts the same. IoU counts otherwise: a class that is missed mostly is worth naming at less than
an even chance, one that is claimed too often is not (Nowozin, "Optimal Decisions from
Probabilistic Models: the Intersection-over-Union Case", CVPR 2014). A constant for each class
(logit adjustment: Menon et al., ICLR 2021) goes a part of that way and costs nothing on a robot:
it is the bias of the last convolution.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from stdc_core.labels import UNLABELED
from stdc_core.metrics import ConfusionMatrix
from stdc_core.networks.checkpoint import Checkpoint
from stdc_core.networks.initial_weights import CLASS_BIAS
from stdc_core.training.datasets import DatasetSplit
from stdc_core.training.evaluation import NetworkSegmenter

STEPS = (0.8, 0.4, 0.2, 0.1)  # of a logit
ROUNDS = 10  # at each step, at most
LEAST_PIXELS = 200  # of a class that is given a bias


class SampledLogits(NamedTuple):
    """Logits at random labeled pixels of a split, upsampled the way every engine does."""

    logits: NDArray[np.float32]  # (C, P)
    truth: NDArray[np.uint8]  # (P,), 0..C-1

    @property
    def balanced(self) -> NDArray[np.bool_]:
        """Which classes have pixels enough to be given a bias, (C,)."""
        return np.bincount(self.truth, minlength=len(self.logits)) >= LEAST_PIXELS


def sample_logits(
    segmenter: NetworkSegmenter,
    split: DatasetSplit,
    pixels: int = 600_000,
    seed: int = 0,
    on_image: Callable[[], None] = lambda: None,
) -> SampledLogits:
    """Segment every image of a split and keep what the network says at some of its pixels.

    :param pixels: in all; each image has an equal share.
    :param on_image: called after each image.
    """
    rng = np.random.default_rng(seed)
    share = -(-pixels // len(split))
    logits, truth = [], []
    for index in range(len(split)):
        sample = split.load(index)
        row, column = np.nonzero(sample.labels != UNLABELED)
        chosen = rng.choice(len(row), min(share, len(row)), replace=False)
        row, column = row[chosen], column[chosen]
        logits.append(segmenter.logits_at(sample.image, row, column))
        truth.append(sample.labels[row, column])
        on_image()
    return SampledLogits(np.concatenate(logits, axis=1), np.concatenate(truth))


def best_class_bias(sampled: SampledLogits) -> NDArray[np.float32]:
    """Climb: a step up or down for one class at a time, as long as the mean IoU rises.

    The mean is over the balanced classes, and only they are given a bias: without pixels of its
    own a class would best be named nowhere.

    :return: float32, (C,), with a mean of 0: a constant for all classes changes nothing.
    """
    balanced = sampled.balanced
    bias = np.zeros(len(balanced), np.float32)
    best = _miou(sampled, bias, balanced)
    for step in STEPS:
        for _ in range(ROUNDS):
            before = best
            for class_id in np.flatnonzero(balanced):
                for signed_step in (step, -step):
                    tried = bias.copy()
                    tried[class_id] += signed_step
                    if (miou := _miou(sampled, tried, balanced)) > best:
                        best, bias = miou, tried
            if best == before:
                break
    bias[balanced] -= bias[balanced].sum() / max(1, balanced.sum())
    return bias


def with_class_bias(checkpoint: Checkpoint, bias: NDArray[np.float32]) -> Checkpoint:
    """Put a bias on the last convolution; one that is there is added to."""
    before = checkpoint.state.get(CLASS_BIAS, torch.zeros(len(bias)))
    return replace(
        checkpoint,
        config=replace(checkpoint.config, class_bias=True),
        state={**checkpoint.state, CLASS_BIAS: before + torch.from_numpy(bias)},
    )


def _miou(sampled: SampledLogits, bias: NDArray[np.float32], balanced: NDArray[np.bool_]) -> float:
    labels = (sampled.logits + bias[:, None]).argmax(axis=0).astype(np.uint8)
    confusion = ConfusionMatrix(len(bias))
    confusion.update(sampled.truth[None], labels[None])
    iou = np.array(confusion.scores().iou)[balanced]
    return float(iou.mean()) if iou.size else 0.0
