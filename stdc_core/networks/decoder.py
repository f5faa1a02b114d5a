"""The decoder of STDC-Seg: BiSeNet's context path, feature fusion and heads (section 3.2)."""

from collections import OrderedDict
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from stdc_core.networks.layers import ConvBNReLU, global_average
from stdc_core.networks.stdc import BackboneFeatures

CONTEXT_CHANNELS = 128


class AttentionRefinementModule(nn.Module):
    """Features weighted by a gate made from their own global average (BiSeNet, section 3.2)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = ConvBNReLU(in_channels, out_channels, 3)
        self.gate = nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(out_channels, out_channels, 1, bias=False),
                bn=nn.BatchNorm2d(out_channels),
                sigmoid=nn.Sigmoid(),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> (N, out_channels, H, W)."""
        x = self.conv(x)
        return x * self.gate(global_average(x))


class ContextFeatures(NamedTuple):
    """What the context path hands on, each 128 channels."""

    p8: Tensor  # (N, 128, H/8, W/8)
    p16: Tensor  # (N, 128, H/16, W/16)


class ContextPath(nn.Module):
    """The U-shape over stages 4 and 5, started by the global average of stage 5 (figure 4a)."""

    def __init__(self) -> None:
        super().__init__()
        self.average = ConvBNReLU(1024, CONTEXT_CHANNELS, 1)
        self.arm32 = AttentionRefinementModule(1024, CONTEXT_CHANNELS)
        self.arm16 = AttentionRefinementModule(512, CONTEXT_CHANNELS)
        self.conv32 = ConvBNReLU(CONTEXT_CHANNELS, CONTEXT_CHANNELS, 3)
        self.conv16 = ConvBNReLU(CONTEXT_CHANNELS, CONTEXT_CHANNELS, 3)

    def forward(self, features: BackboneFeatures) -> ContextFeatures:
        """Upsample to the size of each skip: a factor of 2 is wrong where 32 divides no side."""
        f8, f16, f32 = features
        context = self.arm32(f32) + self.average(global_average(f32))
        p16 = self.conv32(_upsample_to(context, f16))
        p8 = self.conv16(_upsample_to(self.arm16(f16) + p16, f8))
        return ContextFeatures(p8, p16)


class SpatialPath(nn.Module):
    """BiSeNet's second stream (its section 3.1), which table 4 compares detail guidance with."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            ConvBNReLU(3, 64, 7, stride=2),
            ConvBNReLU(64, 64, 3, stride=2),
            ConvBNReLU(64, 64, 3, stride=2),
            ConvBNReLU(64, 128, 1),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Normalised image (N, 3, H, W) -> (N, 128, H/8, W/8)."""
        return self.layers(image)


class FeatureFusionModule(nn.Module):
    """Low-level and context features, concatenated and reweighted (BiSeNet, section 3.2)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = ConvBNReLU(in_channels, out_channels, 1)
        self.gate = nn.Sequential(
            nn.Conv2d(out_channels, out_channels // 4, 1, bias=False),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels // 4, out_channels, 1, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, spatial: Tensor, context: Tensor) -> Tensor:
        """Two maps of one size -> (N, out_channels, H, W)."""
        x = self.conv(torch.cat([spatial, context], dim=1))
        return x * self.gate(global_average(x)) + x


class SegmentationHead(nn.Sequential):
    """3x3 Conv-BN-ReLU and a 1x1 convolution to class logits (section 3.2.1)."""

    def __init__(
        self, in_channels: int, mid_channels: int, out_channels: int, *, bias: bool = False
    ) -> None:
        super().__init__(
            OrderedDict(
                conv=ConvBNReLU(in_channels, mid_channels, 3),
                classify=nn.Conv2d(mid_channels, out_channels, 1, bias=bias),
            )
        )


class DetailHead(SegmentationHead):
    """Boundary logits (N, 1, H/8, W/8) from the stage-3 features (section 3.2.2, figure 4b)."""

    def __init__(self) -> None:
        super().__init__(256, 64, 1)


def init_decoder(module: nn.Module) -> None:
    """Initialise every convolution as the authors' decoder does: Kaiming normal, fan in, a=1."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, a=1)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _upsample_to(x: Tensor, skip: Tensor) -> Tensor:
    return functional.interpolate(x, size=skip.shape[-2:], mode='nearest')
