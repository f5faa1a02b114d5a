"""The loss of the detail head: binary cross entropy and dice (section 3.2.2, equations 4, 5)."""

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from stdc_core.losses.detail_aggregation import DetailGroundTruth
from stdc_core.losses.precision import full_precision
from stdc_core.losses.upsampling import upsample

DICE_EPSILON = 1.0  # equation 5


class DiceLoss(nn.Module):
    """1 minus the overlap of prediction and truth (equation 5), a mean over images.

    Insensitive to how few of the pixels are boundary. Per image, as in the authors' code; one
    without a valid pixel has a loss of 0 and counts in the mean.

    :param squared: square prediction and truth in the denominator, as equation 5 does; the
        authors' code does not.
    """

    def __init__(self, squared: bool = True) -> None:
        super().__init__()
        self.squared = squared

    def forward(self, probabilities: Tensor, truth: DetailGroundTruth) -> Tensor:
        """Compare over the valid pixels.

        :param probabilities: float, shape (N, 1, H, W), of 0..1.
        :return: 0-dim, float32 (float64 for float64 probabilities), 0..1.
        """
        with full_precision(probabilities) as probabilities:
            p = (probabilities * truth.valid).flatten(1)  # (N, H*W)
            g = (truth.target * truth.valid).flatten(1)
            overlap = (p * g).sum(dim=1)
            if self.squared:
                p, g = p.square(), g.square()
            areas = p.sum(dim=1) + g.sum(dim=1)
            return (1 - (2 * overlap + DICE_EPSILON) / (areas + DICE_EPSILON)).mean()


class DetailTerms(NamedTuple):
    """The summands of equation 4, 0-dim tensors."""

    bce: Tensor
    dice: Tensor


class DetailLoss(nn.Module):
    """Equation 4, its two summands kept apart for the log.

    Both are 0, and so are their gradients, where no pixel is valid. The authors' code upsamples
    only where the widths differ; here the heights count too.

    :param squared_dice: see :class:`DiceLoss`.
    :param align_corners: of the upsampling; the authors' networks want True.
    """

    def __init__(self, squared_dice: bool = True, align_corners: bool = True) -> None:
        super().__init__()
        self.dice = DiceLoss(squared_dice)
        self.align_corners = align_corners

    def forward(self, logits: Tensor, truth: DetailGroundTruth) -> DetailTerms:
        """Upsample the logits to the truth's size and compare over the valid pixels.

        :param logits: float, shape (N, 1, h, w).
        :return: float32 (float64 for float64 logits).
        """
        with full_precision(logits) as logits:
            logits = upsample(logits, truth.target.shape[-2:], self.align_corners)
            total = functional.binary_cross_entropy_with_logits(
                logits,
                truth.target.to(logits.dtype),
                weight=truth.valid.to(logits.dtype),
                reduction='sum',
            )
            return DetailTerms(
                bce=total / truth.valid.sum().clamp(min=1),
                dice=self.dice(logits.sigmoid(), truth),
            )
