"""Recipes: everything that decides what weights a training gives (paper, section 4.2)."""

import math
from dataclasses import dataclass, field, replace
from typing import Literal

from stdc_core.errors import InvalidArgumentError
from stdc_core.losses import LossConfig
from stdc_core.model_file import check_network_size
from stdc_core.networks.stdc_seg import Variant
from stdc_core.training.augmentation import AugmentationConfig

Amp = Literal['auto', 'off', 'bf16', 'fp16']


@dataclass(frozen=True)
class SegmentationRecipe:
    """How a segmentation network is trained.

    :param variant: the backbone.
    :param spatial_path: BiSeNet's spatial path instead of stage 3 (a row of table 4).
    :param head_channels: width of the segmentation head; the authors' code has 256.
    :param iterations: optimizer steps.
    :param batch_size: images a step, over all processes.
    :param accumulate: pieces that a batch is worked through in; their gradients add up.
    :param crop: height and width of what is trained on.
    :param optimizer: the paper's sgd, or adamw.
    :param learning_rate: at its highest, of the backbone and the context path.
    :param head_factor: times that for the feature fusion and the heads (the authors' code).
    :param momentum: of sgd.
    :param weight_decay: of convolution weights; batch norm has none.
    :param warmup_iterations: the learning rate rises exponentially for so long.
    :param power: of the poly schedule after that.
    :param class_balance: rare classes weigh more in the class losses: ENet's weights of the
        training split to this power, 1 for the average pixel; 0 for the paper's equal weights.
    :param paste_rare: probability that a crop gets the pixels of a class with less than 3 % of
        the training split's, from another crop of the batch; for each such class.
    :param ema_decay: of the moving average of the weights that is evaluated and kept; 0 for none.
    :param amp: precision of the network in training; losses are fp32. ``auto`` is bf16 where the
        device computes in it, else fp32 (emulated, bf16 takes several times as long).
    :param compiled: torch.compile fuses what the network does in training: faster after a minute
        or two, other rounding; on a CPU it needs a C++ compiler.
    :param seed: of weights, order and augmentation.
    :param evaluate_every: iterations from one evaluation to the next.
    :param evaluation_size: network input in evaluation; None for each image's own.
    """

    variant: Variant = 'stdc1'
    spatial_path: bool = False
    head_channels: int = 256
    iterations: int = 10_000
    batch_size: int = 24
    accumulate: int = 1
    crop: tuple[int, int] = (720, 960)
    optimizer: Literal['sgd', 'adamw'] = 'sgd'
    learning_rate: float = 0.01
    head_factor: float = 10.0
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup_iterations: int = 200
    power: float = 0.9
    class_balance: float = 0.0
    paste_rare: float = 0.0
    ema_decay: float = 0.0
    amp: Amp = 'off'
    compiled: bool = False
    seed: int = 0
    evaluate_every: int = 500
    evaluation_size: tuple[int, int] | None = None
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    loss: LossConfig = field(default_factory=LossConfig)

    def __post_init__(self) -> None:
        for name in ('iterations', 'batch_size', 'accumulate', 'evaluate_every'):
            check_range(name, getattr(self, name), least=1)
        for name in (
            'learning_rate',
            'head_factor',
            'weight_decay',
            'power',
            'class_balance',
            'seed',
        ):
            check_range(name, getattr(self, name), least=0)
        check_range('momentum', self.momentum, least=0, below=1)
        check_range('ema_decay', self.ema_decay, least=0, below=1)
        if not 0 <= self.paste_rare <= 1:
            raise InvalidArgumentError(f'paste_rare is {self.paste_rare}, expected 0 to 1')
        if self.evaluation_size is not None:
            check_network_size(self.evaluation_size)
        if self.batch_size % self.accumulate:
            raise InvalidArgumentError(
                f'batch_size {self.batch_size} does not divide into {self.accumulate} pieces'
            )
        if min(self.crop) < 64:
            raise InvalidArgumentError(f'crop is {self.crop}, expected at least 64 by 64')


def check_range(name: str, value: float, least: float, below: float = math.inf) -> None:
    """Refuse a value outside least..below, NaN and infinity among them.

    :raises InvalidArgumentError: names value and range.
    """
    if not least <= value < below:
        limit = '' if below == math.inf else f' and below {below:g}'
        raise InvalidArgumentError(f'{name} is {value}, expected at least {least:g}{limit}')


_CITYSCAPES = SegmentationRecipe(
    iterations=60_000,
    batch_size=48,
    crop=(512, 1024),
    warmup_iterations=1_000,
    evaluate_every=1_000,
    evaluation_size=(512, 1024),
    augmentation=AugmentationConfig(scales=(0.125, 1.5)),
)
_CAMVID = SegmentationRecipe()

# By name: what it is for, and the recipe.
PRESETS: dict[str, tuple[str, SegmentationRecipe]] = {
    'cityscapes50': ("The paper's recipe for Cityscapes, evaluated at 512x1024.", _CITYSCAPES),
    'cityscapes75': (
        "The paper's recipe for Cityscapes, evaluated at 768x1536.",
        replace(_CITYSCAPES, evaluation_size=(768, 1536)),
    ),
    'camvid': ("The paper's recipe for CamVid, evaluated at the images' own size.", _CAMVID),
    'small': (
        'For two CPU cores and an hour: small batches and crops, adamw.',
        SegmentationRecipe(
            iterations=2_400,
            batch_size=6,
            crop=(288, 384),
            optimizer='adamw',
            learning_rate=1.5e-3,
            head_factor=1.0,
            weight_decay=0.02,
            warmup_iterations=100,
            class_balance=0.5,
            ema_decay=0.99,
            amp='auto',
            evaluate_every=400,
            augmentation=AugmentationConfig(scales=(0.6, 2.0), jitter=0.3),
        ),
    ),
}
