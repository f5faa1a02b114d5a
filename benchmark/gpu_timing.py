"""Timing of benchmark/gpu.py: cases in turn, each one's failure its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

ROUNDS = 2  # what differs between them is noise
WARM_UP = 20  # calls

Call = Callable[[], object]
Way = Literal['one call', 'in turn']
Timer = Callable[[Call], list[float]]


@dataclass(frozen=True)
class Case:
    """Something to time.

    :param prepare: makes the call; what it opens is closed with the stack.
    :param images: of a call.
    :param way: all images at once, or one after the other.
    """

    name: str
    prepare: Callable[[ExitStack], Call]
    images: int = 1
    way: Way = 'one call'


@dataclass(frozen=True)
class Timing:
    """How long a call takes, all of its images together.

    :param p50_ms_of_rounds: the same in each round.
    """

    p50_ms: float
    p99_ms: float
    min_ms: float
    calls: int
    p50_ms_of_rounds: list[float]
    images: int
    way: Way


@dataclass(frozen=True)
class Failure:
    """Why there is no time."""

    failed: str


Timings = dict[str, Timing | Failure]


def time_cases(cases: Sequence[Case], timer: Timer) -> Timings:
    """Time cases in turn, in :data:`ROUNDS` rounds."""
    found: Timings = {}
    samples: dict[str, list[list[float]]] = {}
    with ExitStack() as stack:
        calls: dict[str, Call] = {}
        for case in cases:
            try:
                calls[case.name] = case.prepare(stack)
            except Exception as error:
                found[case.name] = Failure(f'{type(error).__name__}: {error}')
        for _ in range(ROUNDS):
            for name, call in list(calls.items()):
                try:
                    samples.setdefault(name, []).append(timer(call))
                except Exception as error:
                    found[name] = Failure(f'{type(error).__name__}: {error}')
                    del calls[name]
    for case in cases:
        if case.name not in found:
            found[case.name] = _timing(samples[case.name], case)
    return {case.name: found[case.name] for case in cases}


def time_calls(call: Call, device: torch.device, *, seconds: float, most: int) -> list[float]:
    """Wall time of each call, milliseconds, everything on the device done; after a warm-up."""
    samples: list[float] = []
    for number in range(most + WARM_UP):
        synchronize(device)
        start = time.perf_counter()
        call()
        synchronize(device)
        elapsed = time.perf_counter() - start
        seconds -= elapsed
        if number >= WARM_UP or seconds < 0:
            samples.append(1e3 * elapsed)
        if seconds < 0:
            break
    return samples


def time_events(call: Call, device: torch.device, *, seconds: float, most: int) -> list[float]:
    """Time between events before and after each call, milliseconds; wall time on a CPU."""
    if device.type != 'cuda':
        return time_calls(call, device, seconds=seconds, most=most)
    for _ in range(WARM_UP):
        call()
    torch.cuda.synchronize()
    samples: list[float] = []
    deadline = time.perf_counter() + seconds
    while len(samples) < most and (not samples or time.perf_counter() < deadline):
        events = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(50)]
        for before, after in events:
            before.record()
            call()
            after.record()
        torch.cuda.synchronize()
        samples += [before.elapsed_time(after) for before, after in events]
    return samples


def synchronize(device: torch.device) -> None:
    """Wait for the device."""
    if device.type == 'cuda':
        torch.cuda.synchronize()


def _timing(rounds: list[list[float]], case: Case) -> Timing:
    every = np.concatenate(rounds)
    p50, p99 = np.percentile(every, (50, 99))
    return Timing(
        p50_ms=round(float(p50), 4),
        p99_ms=round(float(p99), 4),
        min_ms=round(float(every.min()), 4),
        calls=len(every),
        p50_ms_of_rounds=[round(float(np.median(each)), 4) for each in rounds],
        images=case.images,
        way=case.way,
    )
