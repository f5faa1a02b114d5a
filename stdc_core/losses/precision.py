"""Losses are sums over up to millions of pixels: they are computed in float32, whatever came."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def full_precision(values: Tensor) -> Iterator[Tensor]:
    """Give the values as float32 (float64 stays) to a block in which autocast is off."""
    with torch.autocast(values.device.type, enabled=False):
        yield values if values.dtype == torch.float64 else values.float()
