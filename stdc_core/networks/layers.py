"""The layers that STDC-Seg is made of."""

from collections import OrderedDict

import torch
from torch import Tensor, nn


class ConvBNReLU(nn.Sequential):  # 'ConvX' in the paper
    """Convolution without bias, batch norm, ReLU; padding keeps the size at stride 1."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1
    ) -> None:
        super().__init__(
            OrderedDict(
                conv=nn.Conv2d(
                    in_channels,
                    out_channels,
                    kernel_size,
                    stride=stride,
                    padding=kernel_size // 2,
                    bias=False,
                ),
                bn=nn.BatchNorm2d(out_channels),
                relu=nn.ReLU(inplace=True),
            )
        )


class HalvingDepthwiseConv(nn.Conv2d):
    """Depthwise 3x3 convolution with stride 2; in fp32 where autocast would make it bf16 on a CPU.

    oneDNN has no fast gradient of its input in bf16: 43 to 95 times as long as in fp32 on a
    processor with AMX (docs/training.md, "Measured").
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 3, stride=2, padding=1, groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, ceil(H / 2), ceil(W / 2))."""
        if x.device.type == 'cpu' and torch.is_autocast_enabled('cpu'):
            with torch.autocast('cpu', enabled=False):
                return super().forward(x.float())
        return super().forward(x)


def global_average(x: Tensor) -> Tensor:
    """Mean over height and width, (N, C, H, W) -> (N, C, 1, 1).

    A plain mean: adaptive pooling does not export to every runtime with a dynamic size.
    """
    return x.mean(dim=(2, 3), keepdim=True)
