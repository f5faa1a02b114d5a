"""Images and labels on the training device, read once where they fit in memory."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import torch
from torch import Tensor

from stdc_core.training.datasets import DatasetSplit, ImagePair


class StoredSample(NamedTuple):
    """One pair on the device."""

    image: Tensor  # uint8, RGB, (3, H, W)
    labels: Tensor  # uint8, (H, W)


class ImageStore:
    """Reads samples in threads, ahead of time, and keeps those that fit.

    A context manager: it ends its threads.

    :param split: what to read.
    :param device: where the tensors go.
    :param keep_bytes: memory for kept samples; what does not fit is read again every epoch.
    :param threads: reading; OpenCV decodes without the GIL.
    """

    def __init__(
        self,
        split: DatasetSplit,
        device: torch.device,
        keep_bytes: int = 2 * 2**30,
        threads: int = 2,
    ) -> None:
        self.split = split
        self.device = device
        self._free = keep_bytes
        self._kept: dict[ImagePair, StoredSample] = {}  # a split may hold a pair more than once
        self._coming: dict[ImagePair, Future[StoredSample]] = {}
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix='image_store')

    def prefetch(self, indices: Sequence[int]) -> None:
        """Start reading what :meth:`get` will be asked for next."""
        for index in indices:
            pair = self.split.pairs[index]
            if pair not in self._kept and pair not in self._coming:
                self._coming[pair] = self._pool.submit(self._read, index)

    def get(self, indices: Sequence[int]) -> tuple[list[Tensor], list[Tensor]]:
        """Images and labels of a batch.

        :raises DatasetError: a file cannot be read; names it.
        """
        self.prefetch(indices)
        pairs = [self.split.pairs[index] for index in indices]
        samples = [self._kept.get(pair) or self._coming[pair].result() for pair in pairs]
        for pair, sample in zip(pairs, samples, strict=True):
            if self._coming.pop(pair, None) is not None:
                size = sample.image.numel() + sample.labels.numel()
                if size <= self._free:
                    self._free -= size
                    self._kept[pair] = sample
        return [sample.image for sample in samples], [sample.labels for sample in samples]

    def _read(self, index: int) -> StoredSample:
        sample = self.split.load(index)
        image = torch.from_numpy(sample.image).permute(2, 0, 1).contiguous()
        return StoredSample(image.to(self.device), torch.from_numpy(sample.labels).to(self.device))

    def __enter__(self) -> 'ImageStore':
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.shutdown(cancel_futures=True)
