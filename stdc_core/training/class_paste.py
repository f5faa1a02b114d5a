"""Rare things of one crop pasted into another, as ClassMix does (Olsson et al., WACV 2021)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from stdc_core.training.batch_order import derived_seed


def paste_classes(
    images: Tensor,
    labels: Tensor,
    keys: Sequence[int],
    *,
    classes: Sequence[int],
    share: float,
    seed: int,
) -> tuple[Tensor, Tensor]:
    """Paste all pixels of some classes of each crop into the next one, at their place.

    A pole stands where it stood, in another street. ClassMix pastes half of all classes; here
    each of those given is drawn by itself.

    :param images: float, shape (N, 3, H, W).
    :param labels: int64, shape (N, H, W), class ids and 255.
    :param keys: a whole number for each crop that no other crop of the training has.
    :param classes: ids that may be pasted.
    :param share: probability of each of them in each crop, 0 to 1.
    :param seed: with the keys it decides what is pasted.
    :return: new images and labels.
    """
    pasted = torch.zeros_like(labels, dtype=torch.bool)
    for place, key in enumerate(keys):
        # The third part keeps these draws apart from the crop's, which have the same two.
        generator = torch.Generator().manual_seed(derived_seed(seed, key, len(classes)))
        draws = torch.rand(len(classes), generator=generator).tolist()
        for class_id, draw in zip(classes, draws, strict=True):
            if draw < share:
                pasted[place] |= labels[place] == class_id
    pasted, donors, donated = (x.roll(1, 0) for x in (pasted, images, labels))
    return torch.where(pasted[:, None], donors, images), torch.where(pasted, donated, labels)
