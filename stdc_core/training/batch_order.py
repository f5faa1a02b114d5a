"""Which samples make up which batch, as a pure function of the iteration."""

from functools import lru_cache

import numpy as np
import torch

from stdc_core.training.processes import Processes
from stdc_core.training.run_folder import RunError


def batch_indices(iteration: int, batch_size: int, samples: int, seed: int) -> list[int]:
    """Choose the samples of one batch; every epoch is another permutation of all.

    :param iteration: counts from 0.
    :param samples: how many there are, at least 1.
    :return: ``batch_size`` indices; a batch may reach into the next epoch.
    """
    first = iteration * batch_size
    indices = []
    for position in range(first, first + batch_size):
        epoch, offset = divmod(position, samples)
        indices.append(int(_permutation(samples, seed, epoch)[offset]))
    return indices


def local_batch(
    iteration: int, batch_size: int, samples: int, seed: int, processes: Processes
) -> tuple[list[int], list[int]]:
    """Take one process's part of a batch.

    :return: the part's positions in the whole training, no two alike, and its samples.
    """
    chosen = batch_indices(iteration, batch_size, samples, seed)
    places = range(processes.rank, batch_size, processes.count)
    return [iteration * batch_size + place for place in places], [chosen[p] for p in places]


def check_batch(batch_size: int, accumulate: int, processes: Processes) -> None:
    """Refuse a batch whose pieces are not of one size, or too small for batch norm.

    :raises RunError: it does not divide, or a piece is a single image.
    """
    pieces = processes.count * accumulate
    if batch_size % pieces:
        raise RunError(
            f'batch_size {batch_size} does not divide by {processes.count} process(es) times '
            f'{accumulate} piece(s)'
        )
    joint = processes.device.type == 'cuda'  # batch norm sees the pieces of all processes there
    if batch_size // (accumulate if joint else pieces) < 2:
        raise RunError(
            f'batch_size {batch_size} leaves one image to a piece, and batch norm needs two: '
            'take larger batches or fewer pieces'
        )


@lru_cache(maxsize=2)
def _permutation(samples: int, seed: int, epoch: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(derived_seed(seed, epoch))
    return torch.randperm(samples, generator=generator)


def derived_seed(*parts: int) -> int:
    """Mix whole numbers into one seed: the same for the same numbers, else unlike any other."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> np.uint64(1))
