"""What a model file holds, as a torch module: uint8 image in, logits out."""

import torch
from torch import Tensor, nn

from stdc_core.networks.stdc_seg import STDCSeg

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # RGB of 0..1; what STDC is trained with
IMAGENET_STD = (0.229, 0.224, 0.225)


class ModelGraph(nn.Module):
    """Normalisation and network.

    :param network: from :func:`fold_for_inference`.
    :param dtype: of the network's arithmetic; the normalisation is in fp32.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, network: STDCSeg, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.dtype = dtype
        self.network = network.to(dtype)
        mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
        self.register_buffer('mean', (255 * mean).view(1, 3, 1, 1))
        self.register_buffer('scale', (1 / (255 * std)).view(1, 3, 1, 1))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor | None]:
        """Compute logits of an image.

        :param image: uint8, RGB, shape (1, H, W, 3).
        :return: class logits (1, C, H/8, W/8) and detail logits (1, 1, H/8, W/8) or None.
        """
        x = image.float().permute(0, 3, 1, 2)  # cast first: TensorRT takes uint8 only into a cast
        output = self.network(((x - self.mean) * self.scale).to(self.dtype))
        return output.logits, output.detail
