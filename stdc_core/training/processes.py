"""One process or several, started by ``torchrun``."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from stdc_core.errors import InvalidArgumentError

LONGEST_WAIT = timedelta(hours=6)


@dataclass(frozen=True)
class Processes:
    """Which of how many processes this is.

    :param rank: counts from 0; rank 0 evaluates, writes and talks.
    :param count: all of them.
    :param device: of this process.
    """

    rank: int
    count: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this process writes and talks."""
        return self.rank == 0

    def wrap(self, network: nn.Module) -> nn.Module:
        """Let the processes average their gradients; on CUDA batch norm sees the joint batch."""
        if self.count == 1:
            return network
        if self.device.type == 'cuda':
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
            return DistributedDataParallel(network, device_ids=[self.device.index])
        return DistributedDataParallel(network)

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.count > 1:
            distributed.barrier()

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        if self.count == 1:
            return flag
        found = torch.tensor(int(flag), device=self.device)
        distributed.all_reduce(found, distributed.ReduceOp.MAX)
        return bool(found.item())


@contextmanager
def join_processes(device: str) -> Iterator[Processes]:
    """Join the processes that ``torchrun`` started; without it this is the only one.

    :param device: ``cpu``, ``cuda``, or ``auto`` for CUDA where there is one.
    """
    if device not in ('auto', 'cpu', 'cuda'):
        raise InvalidArgumentError(f"unknown device '{device}' (known: auto, cpu, cuda)")
    if device == 'auto':
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
    if device == 'cuda' and not torch.cuda.is_available():
        raise InvalidArgumentError('device is cuda, and torch finds none here: use cpu')
    count = int(os.environ.get('WORLD_SIZE', '1'))
    local = torch.device('cuda', int(os.environ.get('LOCAL_RANK', '0')))
    place = local if device == 'cuda' else torch.device('cpu')
    if count == 1:
        yield Processes(0, 1, place)
        return
    if device == 'cuda':
        if place.index >= torch.cuda.device_count():
            raise InvalidArgumentError(
                f'process {place.index} has no GPU: torch finds {torch.cuda.device_count()} here'
            )
        torch.cuda.set_device(place)
    # The others wait while the first process checks the data or evaluates.
    distributed.init_process_group('nccl' if device == 'cuda' else 'gloo', timeout=LONGEST_WAIT)
    try:
        yield Processes(distributed.get_rank(), count, place)
    finally:
        distributed.destroy_process_group()
