"""The training loss of STDC-Seg: class heads by OHEM, detail head by BCE and dice."""

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn

from stdc_core.errors import InvalidArgumentError
from stdc_core.losses.detail_aggregation import DetailAggregation, DetailVariant
from stdc_core.losses.detail_loss import DetailLoss
from stdc_core.losses.ohem import OhemCrossEntropyLoss
from stdc_core.losses.precision import full_precision
from stdc_core.losses.upsampling import upsample
from stdc_core.networks import STDCSegOutput


@dataclass(frozen=True)
class LossConfig:
    """What the loss is made of.

    The authors' code has raw_ids and no squared dice, and else the defaults.

    :param ohem_threshold: pixels whose true class has less probability than this count.
    :param min_kept_share: at least this share of all pixels counts, the hardest.
    :param aux_weight: of each auxiliary head; 0 leaves them out.
    :param detail_weight: of the detail loss; 0 leaves it out.
    :param detail_strides: of the boundary maps that are fused; none for no detail guidance (the
        rows of table 4).
    :param detail_variant: boundaries of each class, or the authors' of raw class ids.
    :param squared_dice: squares in the dice loss's denominator (equation 5), or not (their code).
    :param align_corners: of upsampling all logits.
    """

    ohem_threshold: float = 0.7
    min_kept_share: float = 1 / 16
    aux_weight: float = 1.0
    detail_weight: float = 1.0
    detail_strides: tuple[int, ...] = (1, 2, 4)
    detail_variant: DetailVariant = 'per_class'
    squared_dice: bool = True
    align_corners: bool = True

    def __post_init__(self) -> None:
        for name in ('aux_weight', 'detail_weight'):
            weight = getattr(self, name)
            if not 0 <= weight < float('inf'):
                raise InvalidArgumentError(f'{name} is {weight}, expected a number from 0 up')
        # The parts know what they take.
        OhemCrossEntropyLoss(self.ohem_threshold, self.min_kept_share)
        DetailAggregation(self.detail_variant, self.detail_strides or (1,))

    @property
    def has_detail(self) -> bool:
        """Whether the detail head is trained."""
        return bool(self.detail_strides) and self.detail_weight > 0


class LossTerms(NamedTuple):
    """0-dim tensors; all but ``total`` unweighted, None where a head or its weight is missing."""

    total: Tensor
    main: Tensor
    aux8: Tensor | None
    aux16: Tensor | None
    detail_bce: Tensor | None
    detail_dice: Tensor | None


class SegmentationLoss(nn.Module):
    """Sum over the heads of an :class:`STDCSeg` in training; it has nothing to learn itself.

    :param class_weights: float32, shape (C,), of the class heads; None for equal ones.
    """

    def __init__(
        self, config: LossConfig | None = None, class_weights: Tensor | None = None
    ) -> None:
        super().__init__()
        self.config = config = config or LossConfig()
        self.classes = OhemCrossEntropyLoss(
            config.ohem_threshold, config.min_kept_share, class_weights
        )
        self.aggregation = (
            DetailAggregation(config.detail_variant, config.detail_strides)
            if config.has_detail
            else None
        )
        self.detail = DetailLoss(config.squared_dice, config.align_corners)

    def forward(self, output: STDCSegOutput, labels: Tensor) -> LossTerms:
        """Weigh every head's loss at the labels' size.

        :param output: logits of one size or several; heads that are None are left out.
        :param labels: int64, shape (N, H, W), class ids, or 255 where unlabeled.
        """
        config = self.config
        total = main = self._class_loss(output.logits, labels)
        aux8 = aux16 = bce = dice = None
        if config.aux_weight and output.aux8 is not None:
            aux8 = self._class_loss(output.aux8, labels)
            total = total + config.aux_weight * aux8
        if config.aux_weight and output.aux16 is not None:
            aux16 = self._class_loss(output.aux16, labels)
            total = total + config.aux_weight * aux16
        if self.aggregation is not None and output.detail is not None:
            bce, dice = self.detail(output.detail, self.aggregation(labels))
            total = total + config.detail_weight * (bce + dice)
        return LossTerms(total, main, aux8, aux16, bce, dice)

    def _class_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        with full_precision(logits) as logits:
            logits = upsample(logits, labels.shape[-2:], self.config.align_corners)
        return self.classes(logits, labels)
