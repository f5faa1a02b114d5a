"""Crops of classification: random for training, the middle for evaluation, normalised."""

import math

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stdc_core.networks.model_graph import IMAGENET_MEAN, IMAGENET_STD


def random_crop(
    image: NDArray[np.uint8], size: int, least_area: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Cut a part of random area and aspect ratio (3/4..4/3), resize it, mirror half of them.

    :param image: uint8, RGB, shape (H, W, 3).
    :return: uint8, RGB, shape (*size*, *size*, 3).
    """
    height, width = image.shape[:2]
    area = height * width * rng.uniform(least_area, 1)
    aspect = math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3)))
    taken_width = min(width, max(1, round(math.sqrt(area * aspect))))
    taken_height = min(height, max(1, round(math.sqrt(area / aspect))))
    top = int(rng.integers(height - taken_height + 1))
    left = int(rng.integers(width - taken_width + 1))
    part = image[top : top + taken_height, left : left + taken_width]
    shrinks = taken_height > size or taken_width > size
    crop = cv2.resize(
        part, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    return crop[:, ::-1] if rng.random() < 0.5 else crop  # type: ignore[return-value]


def center_crop(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize the shorter side to 8/7 of the size and cut the middle (256 and 224 for ImageNet)."""
    height, width = image.shape[:2]
    scale = size * 8 / 7 / min(height, width)
    resized = cv2.resize(
        image,
        (max(size, round(width * scale)), max(size, round(height * scale))),
        interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
    )
    top, left = (resized.shape[0] - size) // 2, (resized.shape[1] - size) // 2
    return resized[top : top + size, left : left + size]  # type: ignore[return-value]


def normalize(crops: list[NDArray[np.uint8]], device: torch.device) -> Tensor:
    """Images of one size to float32 (N, 3, S, S), channels last, by ImageNet's statistics."""
    batch = torch.from_numpy(np.stack(crops)).to(device).permute(0, 3, 1, 2).float().div(255)
    mean = torch.tensor(IMAGENET_MEAN, device=device).view(3, 1, 1)
    std = torch.tensor(IMAGENET_STD, device=device).view(3, 1, 1)
    return (batch - mean) / std
