"""STDC-Seg: backbone, context path, feature fusion and heads (section 3.2, figure 4)."""

import copy
from dataclasses import dataclass
from typing import Literal, NamedTuple

from torch import Tensor, nn
from torch.nn.utils import fusion

from stdc_core.errors import InvalidArgumentError
from stdc_core.networks.decoder import (
    CONTEXT_CHANNELS,
    ContextPath,
    DetailHead,
    FeatureFusionModule,
    SegmentationHead,
    SpatialPath,
    init_decoder,
)
from stdc_core.networks.stdc import stdc1, stdc2

Variant = Literal['stdc1', 'stdc2']
BACKBONES = {'stdc1': stdc1, 'stdc2': stdc2}


@dataclass(frozen=True)
class STDCSegConfig:
    """What it takes to build the network again.

    :param variant: the backbone.
    :param num_classes: channels of the class logits.
    :param block_num: blocks in each STDC module (figure 7 tries other values than 4).
    :param spatial_path: fuse BiSeNet's spatial path instead of stage 3 (a row of table 4).
    :param head_channels: between the two convolutions of the segmentation head; the authors'
        code has 256, and 128 halve the dearest layer of the decoder.
    :param class_bias: the last convolution has a bias, which is not trained but set afterwards
        (:mod:`stdc_core.training.class_bias`); the paper's has none.
    """

    variant: Variant = 'stdc1'
    num_classes: int = 19
    block_num: int = 4
    spatial_path: bool = False
    head_channels: int = 256
    class_bias: bool = False

    def __post_init__(self) -> None:
        if self.variant not in BACKBONES:
            raise InvalidArgumentError(
                f"unknown variant '{self.variant}' (known: {', '.join(BACKBONES)})"
            )
        if not 1 <= self.num_classes <= 255:
            raise InvalidArgumentError(
                f'num_classes is {self.num_classes}: masks are uint8 and 255 is unlabeled, '
                'so 1 to 255 classes fit'
            )
        if self.head_channels < 1:
            raise InvalidArgumentError(
                f'head_channels is {self.head_channels}, expected at least 1'
            )


class STDCSegOutput(NamedTuple):
    """Logits at their own resolution (sizes rounded up); None where the head was removed."""

    logits: Tensor  # (N, classes, H/8, W/8)
    aux8: Tensor | None  # (N, classes, H/8, W/8)
    aux16: Tensor | None  # (N, classes, H/16, W/16)
    detail: Tensor | None  # (N, 1, H/8, W/8)


class STDCSeg(nn.Module):
    """The segmentation network with every head that training needs.

    For inference use :func:`fold_for_inference`, which drops what the paper drops there.
    """

    def __init__(self, config: STDCSegConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = BACKBONES[config.variant](config.block_num)
        self.context_path = ContextPath()
        self.spatial_path = SpatialPath() if config.spatial_path else None
        fused = (128 if config.spatial_path else 256) + CONTEXT_CHANNELS
        self.ffm = FeatureFusionModule(fused, 256)
        self.head = SegmentationHead(
            256, config.head_channels, config.num_classes, bias=config.class_bias
        )
        self.aux8_head: nn.Module | None = SegmentationHead(
            CONTEXT_CHANNELS, 64, config.num_classes
        )
        self.aux16_head: nn.Module | None = SegmentationHead(
            CONTEXT_CHANNELS, 64, config.num_classes
        )
        self.detail_head: nn.Module | None = DetailHead()
        for name, part in self.named_children():
            if name != 'backbone':
                init_decoder(part)

    def forward(self, image: Tensor) -> STDCSegOutput:
        """Segment a normalised image.

        :param image: float (N, 3, H, W), both sides at least 64.
        :return: logits; upsample them bilinearly with ``align_corners=True``.
        """
        features = self.backbone(image)
        p8, p16 = self.context_path(features)
        spatial = features.f8 if self.spatial_path is None else self.spatial_path(image)
        return STDCSegOutput(
            logits=self.head(self.ffm(spatial, p8)),
            aux8=None if self.aux8_head is None else self.aux8_head(p8),
            aux16=None if self.aux16_head is None else self.aux16_head(p16),
            detail=None if self.detail_head is None else self.detail_head(features.f8),
        )


def fold_for_inference(network: STDCSeg, *, detail: bool) -> STDCSeg:
    """Copy the network for inference: auxiliary heads gone, batch norm folded into convolutions.

    :param detail: keep the detail head, which the paper discards at inference (section 3.2.2).
    :return: a copy in eval mode; the argument is left as it is.
    """
    deployed = copy.deepcopy(network).eval()
    deployed.aux8_head = deployed.aux16_head = None
    if not detail:
        deployed.detail_head = None
    for module in list(deployed.modules()):
        conv, bn = getattr(module, 'conv', None), getattr(module, 'bn', None)
        if isinstance(conv, nn.Conv2d) and isinstance(bn, nn.modules.batchnorm._BatchNorm):
            module.conv = fusion.fuse_conv_bn_eval(conv, bn)
            module.bn = nn.Identity()
    return deployed
