"""Timing several things in turns, so that a busy machine disturbs all of them alike."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

PAUSE_S = 0.02  # lets the threads that the last case left spinning come to rest


@dataclass(frozen=True)
class Timing:
    """Wall times of one case, milliseconds of steady time."""

    samples_ms: tuple[float, ...]

    @property
    def median_ms(self) -> float:
        """Middle of the samples."""
        return median(self.samples_ms)

    @property
    def min_ms(self) -> float:
        """What it takes when nothing disturbs it."""
        return min(self.samples_ms)


def interleave(
    cases: Mapping[str, Callable[[], object]],
    rounds: int,
    on_round: Callable[[], None] = lambda: None,
) -> dict[str, Timing]:
    """Run every case once a round, after one round that is not timed.

    :param cases: by name; each is called without arguments.
    :param rounds: timed rounds, at least 1.
    :param on_round: called after every round, the first included.
    """
    samples: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, case in cases.items():
            time.sleep(PAUSE_S)
            start = time.perf_counter()
            case()
            elapsed_ms = 1e3 * (time.perf_counter() - start)
            if number > 0:
                samples[name].append(elapsed_ms)
        on_round()
    return {name: Timing(tuple(times)) for name, times in samples.items()}
