"""The layer every part of STDC-Seg is made of."""

from collections import OrderedDict

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


def global_average(x: Tensor) -> Tensor:
    """Mean over height and width, (N, C, H, W) -> (N, C, 1, 1).

    A plain mean: adaptive pooling does not export to every runtime with a dynamic size.
    """
    return x.mean(dim=(2, 3), keepdim=True)
