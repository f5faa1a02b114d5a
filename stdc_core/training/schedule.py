"""Learning rates as pure functions of the iteration, so that no resume can lose them."""

import math


def warmup_poly(iteration: int, *, iterations: int, warmup: int, power: float) -> float:
    """Share of the highest learning rate: exponential warm-up, then poly (section 4.2).

    The warm-up starts at 1/1000, as in the authors' code (1e-5 of 0.01).

    :param iteration: counts from 0.
    """
    if iteration < warmup:
        return 1e-3 ** (1 - iteration / warmup)
    return (1 - (iteration - warmup) / max(iterations - warmup, 1)) ** power


def warmup_cosine(epoch: float, *, epochs: int, warmup: float, start: float) -> float:
    """Share of the highest learning rate: linear warm-up, then cosine (section 4.2).

    :param epoch: passed so far, with its fraction.
    :param start: share that the warm-up starts at.
    """
    if epoch < warmup:
        return start + (1 - start) * epoch / warmup
    return 0.5 * (1 + math.cos(math.pi * (epoch - warmup) / max(epochs - warmup, 1e-9)))
