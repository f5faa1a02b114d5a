"""STDC networks (Fan et al., CVPR 2021, section 3.1, figure 3, tables 1 and 2)."""

from collections import OrderedDict
from typing import NamedTuple

import torch
from torch import Tensor, nn

from stdc_core.networks.layers import ConvBNReLU, HalvingDepthwiseConv, global_average


def block_widths(out_channels: int, block_num: int) -> list[int]:
    """List the filters of each block: N/2^i, the last as many as its predecessor (3.1.1)."""
    return [out_channels // 2 ** min(i, block_num - 1) for i in range(1, block_num + 1)]


class STDCModule(nn.Module):
    """Short-Term Dense Concatenate module: a chain of blocks whose outputs are concatenated.

    :param in_channels: M of equation 3.
    :param out_channels: N of equation 3; divisible by 2^(block_num - 1).
    :param block_num: number of blocks n, at least 2; the paper settles on 4 (figure 7).
    :param stride: 1 or 2.
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int = 1, block_num: int = 4
    ) -> None:
        super().__init__()
        if block_num < 2:
            raise ValueError(f'block_num is {block_num}: an STDC module has at least 2 blocks')
        if stride not in (1, 2):
            raise ValueError(f'stride is {stride}: an STDC module has stride 1 or 2')
        if out_channels % 2 ** (block_num - 1):
            raise ValueError(
                f'out_channels is {out_channels}: {block_num} blocks need a multiple of '
                f'{2 ** (block_num - 1)}'
            )
        widths = block_widths(out_channels, block_num)
        self.blocks = nn.ModuleList(
            [ConvBNReLU(in_channels, widths[0], 1)]
            + [ConvBNReLU(widths[i - 1], widths[i], 3) for i in range(1, block_num)]
        )
        # Figure 3c gives block 2 the stride. The authors' code, which the paper's parameter and
        # FLOP counts are of, keeps block 2 at stride 1 behind a depthwise convolution with stride
        # 2; the receptive fields of blocks 2..n are 4 pixels wider than table 1 says.
        self.downsample: nn.Module = nn.Identity()
        self.pool: nn.Module = nn.Identity()
        if stride == 2:
            self.downsample = nn.Sequential(
                OrderedDict(
                    conv=HalvingDepthwiseConv(widths[0]),
                    bn=nn.BatchNorm2d(widths[0]),
                )
            )
            self.pool = nn.AvgPool2d(3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, M, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride))."""
        first, *rest = self.blocks
        x = first(x)
        outputs = [self.pool(x)]
        x = self.downsample(x)
        for block in rest:
            x = block(x)  # Eq. 1
            outputs.append(x)
        return torch.cat(outputs, dim=1)  # Eq. 2, F is concatenation


class BackboneFeatures(NamedTuple):
    """Output of stages 3, 4 and 5; sizes are rounded up."""

    f8: Tensor  # (N, 256, H/8, W/8)
    f16: Tensor  # (N, 512, H/16, W/16)
    f32: Tensor  # (N, 1024, H/32, W/32)


class STDCBackbone(nn.Module):
    """Stages 1 to 5 of an STDC network; segmentation does not use stage 6 (ConvX6).

    :param depths: STDC modules in stages 3, 4 and 5.
    :param block_num: blocks in each STDC module.
    """

    def __init__(self, depths: tuple[int, int, int], block_num: int = 4) -> None:
        super().__init__()
        self.stem = nn.Sequential(ConvBNReLU(3, 32, 3, stride=2), ConvBNReLU(32, 64, 3, stride=2))
        self.stage3 = _stage(64, 256, depths[0], block_num)
        self.stage4 = _stage(256, 512, depths[1], block_num)
        self.stage5 = _stage(512, 1024, depths[2], block_num)
        _init_encoder(self)

    def forward(self, image: Tensor) -> BackboneFeatures:
        """Normalised image (N, 3, H, W) -> features at 1/8, 1/16 and 1/32."""
        f8 = self.stage3(self.stem(image))
        f16 = self.stage4(f8)
        return BackboneFeatures(f8, f16, self.stage5(f16))


class STDCClassifier(nn.Module):
    """The whole network of table 2: backbone, ConvX6, global pooling, FC1, FC2.

    :param backbone: from :func:`stdc1` or :func:`stdc2`.
    """

    def __init__(self, backbone: STDCBackbone, num_classes: int = 1000) -> None:
        super().__init__()
        self.backbone = backbone
        self.conv6 = ConvBNReLU(1024, 1024, 1)
        self.fc1 = nn.Linear(1024, 1024, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(0.2)  # section 4.2
        self.fc2 = nn.Linear(1024, num_classes, bias=False)
        _init_encoder(self.conv6)
        for layer in (self.fc1, self.fc2):
            nn.init.normal_(layer.weight, std=0.001)

    def forward(self, image: Tensor) -> Tensor:
        """Normalised image (N, 3, H, W) -> class logits (N, num_classes)."""
        x = self.conv6(self.backbone(image).f32)
        x = x.float().square()  # in the authors' code, not in the paper; fp16 would overflow
        x = global_average(x).flatten(1)
        return self.fc2(self.dropout(self.relu(self.fc1(x))))


def stdc1(block_num: int = 4) -> STDCBackbone:
    """STDC1 without ConvX6 (table 2); 5,318,304 parameters with 4 blocks."""
    return STDCBackbone((2, 2, 2), block_num)


def stdc2(block_num: int = 4) -> STDCBackbone:
    """STDC2 without ConvX6 (table 2); 9,348,768 parameters with 4 blocks."""
    return STDCBackbone((4, 5, 3), block_num)


def _stage(in_channels: int, out_channels: int, depth: int, block_num: int) -> nn.Sequential:
    return nn.Sequential(
        STDCModule(in_channels, out_channels, 2, block_num),
        *(STDCModule(out_channels, out_channels, 1, block_num) for _ in range(depth - 1)),
    )


def _init_encoder(module: nn.Module) -> None:
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode='fan_out')
