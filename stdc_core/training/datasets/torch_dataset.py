"""A split as torch's DataLoader takes it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset

from stdc_core.training.datasets.dataset import DatasetSplit


class TensorSample(NamedTuple):
    """A pair as tensors; batches have one more dimension in front, and a tuple of names."""

    image: Tensor  # uint8, RGB, (3, H, W)
    labels: Tensor  # uint8, (H, W), class ids 0..C-1, and 255 for ignored
    name: str


class TorchDataset(Dataset[TensorSample]):
    """A split of a data set, unscaled: augmentation and normalisation come after.

    Picklable, so loaders may start their processes in any way.
    """

    def __init__(self, split: DatasetSplit) -> None:
        self.split = split

    def __len__(self) -> int:
        return len(self.split)

    def __getitem__(self, index: int) -> TensorSample:
        """Read a pair.

        :raises DatasetError: names the file, what is wrong in it, and what to do.
        """
        sample = self.split.load(index)
        image = torch.from_numpy(sample.image).permute(2, 0, 1).contiguous()
        return TensorSample(image, torch.from_numpy(sample.labels), sample.name)
