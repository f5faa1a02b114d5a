"""Segmenting as the authors' code does it: torch eager fp32, upsampled logits, argmax (torch).

Where their code does more (auxiliary outputs in evaluation, a second upsampling from the network's
size to the label's), the cheaper way is taken: ratios against this are on the careful side.
"""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from stdc_core.geometry import Size
from stdc_core.networks import STDCSeg, STDCSegConfig
from stdc_core.networks.model_graph import IMAGENET_MEAN, IMAGENET_STD


class AuthorsWay:
    """Network with random weights and batch norm as it is; only its speed is of use.

    :param size: of the network's input.
    :param threads: set for torch in this process.
    """

    def __init__(self, config: STDCSegConfig, size: Size, threads: int) -> None:
        torch.set_num_threads(threads)
        self.size = size
        self._network = STDCSeg(config).eval()
        self._network.aux8_head = self._network.aux16_head = self._network.detail_head = None
        self._mean = torch.tensor(IMAGENET_MEAN).view(3, 1, 1)
        self._std = torch.tensor(IMAGENET_STD).view(3, 1, 1)
        self._image = torch.zeros(1, 3, *size)

    @torch.inference_mode()
    def network(self) -> Tensor:
        """Logits at 1/8 of an image that is already normalised."""
        return self._network(self._image).logits

    @torch.inference_mode()
    def tail(self, logits: NDArray[np.float32], size: Size) -> NDArray[np.int64]:
        """Logits (C, h, w) upsampled to full size with align_corners=True, argmax: (H, W)."""
        return _upsample_argmax(torch.from_numpy(logits)[None], size)

    @torch.inference_mode()
    def whole_frame(self, frame: NDArray[np.uint8]) -> NDArray[np.int64]:
        """BGR frame (H, W, 3) to labels (H, W)."""
        image = torch.from_numpy(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
        image = image.permute(2, 0, 1).float().div(255)
        image = ((image - self._mean) / self._std)[None]
        image = functional.interpolate(image, self.size, mode='bilinear', align_corners=True)
        return _upsample_argmax(self._network(image).logits, Size(*frame.shape[:2]))


def _upsample_argmax(logits: Tensor, size: Size) -> NDArray[np.int64]:
    full = functional.interpolate(logits, size, mode='bilinear', align_corners=True)
    return full.argmax(dim=1)[0].numpy()
