"""Cross entropy over the hardest pixels (OHEM), as the authors train every class head."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from stdc_core.errors import InvalidArgumentError
from stdc_core.labels import UNLABELED
from stdc_core.losses.precision import full_precision


class OhemCrossEntropyLoss(nn.Module):
    """Mean cross entropy of the hard pixels, or of the hardest share of all where those are few.

    A pixel is hard where its true class has a probability below ``threshold``. Unlabeled pixels
    have a loss of 0: they fill the minimum up where labeled ones are too few, so a batch with
    little to learn from weighs little, and a batch with nothing has a loss and gradients of 0.

    The paper does not describe this loss; it is the authors' ``OhemCELoss``. Deviations: the
    minimum follows the batch at hand, theirs is a fixed number of pixels that a smaller crop
    does not have; it is at least one pixel; and a NaN shows in the loss, theirs drops it unseen
    where enough other pixels are hard.

    :param threshold: in (0, 1]; 1 keeps every pixel that has a loss at all.
    :param min_kept_share: of all pixels of a batch, unlabeled ones among them, in (0, 1].
    :param class_weights: float32, shape (C,), factors of the losses, before the hard ones are
        chosen; None for equal ones (the authors').
    :raises InvalidArgumentError: one of them is outside its range.
    """

    class_weights: Tensor | None

    def __init__(
        self,
        threshold: float = 0.7,
        min_kept_share: float = 1 / 16,
        class_weights: Tensor | None = None,
    ) -> None:
        super().__init__()
        if not 0 < threshold <= 1:
            raise InvalidArgumentError(
                f'OHEM threshold is {threshold}, expected a probability above 0 and up to 1'
            )
        if not 0 < min_kept_share <= 1:
            raise InvalidArgumentError(
                f'min_kept_share is {min_kept_share}, expected a share above 0 and up to 1'
            )
        self.hard_loss = -math.log(threshold)
        self.min_kept_share = min_kept_share
        self.register_buffer('class_weights', class_weights)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Without a sort and without waiting for the device.

        :param logits: float, shape (N, C, H, W), at the labels' size.
        :param labels: int64, shape (N, H, W), of 0..C-1, or 255 where unlabeled.
        :return: 0-dim, float32 (float64 for float64 logits).
        """
        with full_precision(logits) as logits:
            losses = functional.cross_entropy(
                logits, labels, self.class_weights, ignore_index=UNLABELED, reduction='none'
            ).flatten()  # (N*H*W,)
            min_kept = max(1, int(losses.numel() * self.min_kept_share))
            hard = losses > self.hard_loss
            hard_count = hard.sum()
            hardest = losses.topk(min_kept, sorted=False).values
            # A product, not a selection: its shape is known without asking the device, and it
            # keeps a NaN. Where more than the minimum are hard, the hard ones are the hardest.
            hard_mean = (losses * hard).sum() / hard_count.clamp(min=1)
            return torch.where(hard_count > min_kept, hard_mean, hardest.mean())
