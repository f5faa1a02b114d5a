"""Whether an engine's memory grows, over frames and over openings."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import torch
from gpu_cases import whole_frames
from numpy.typing import NDArray

from stdc_core.engines import InferenceEngine
from stdc_core.memory import resident_memory

SAMPLES = 10
OpenEngine = Callable[[], AbstractContextManager[InferenceEngine]]


@dataclass(frozen=True)
class Memory:
    """What is in use.

    :param process_mb: resident.
    :param gpu_mb: of the whole GPU; 0 without one.
    :param torch_mb: what torch counts as its own there.
    """

    process_mb: float
    gpu_mb: float
    torch_mb: float
    file_descriptors: int


@dataclass(frozen=True)
class Growth:
    """Memory at first, after each tenth, and how much more the last is than the first.

    :param count: frames, or openings.
    """

    count: int
    samples: list[Memory]
    process_mb: float
    gpu_mb: float
    torch_mb: float
    file_descriptors: int

    @classmethod
    def of(cls, count: int, samples: list[Memory]) -> Growth:
        """Compare the last with the first."""
        first, last = samples[0], samples[-1]
        return cls(
            count,
            samples,
            round(last.process_mb - first.process_mb, 1),
            round(last.gpu_mb - first.gpu_mb, 1),
            round(last.torch_mb - first.torch_mb, 1),
            last.file_descriptors - first.file_descriptors,
        )


def memory_in_use() -> Memory:
    """Look at it, garbage collected and the GPU idle."""
    gc.collect()
    gpu = own = 0
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        free, total = torch.cuda.mem_get_info()
        gpu, own = total - free, torch.cuda.memory_allocated()
    return Memory(
        process_mb=round(resident_memory() / 1e6, 1),
        gpu_mb=round(gpu / 1e6, 1),
        torch_mb=round(own / 1e6, 1),
        file_descriptors=len(os.listdir('/proc/self/fd')),
    )


def over_frames(open_one: OpenEngine, frames: list[NDArray[np.uint8]], count: int) -> Growth:
    """Run an engine; a twentieth of the frames before the first look."""
    with open_one() as engine:
        call = whole_frames(engine, frames)
        for _ in range(max(count // 20, len(frames))):
            call()
        samples = [memory_in_use()]
        for _ in range(SAMPLES):
            for _ in range(count // SAMPLES):
                call()
            samples.append(memory_in_use())
    return Growth.of(count, samples)


def over_openings(open_one: OpenEngine, frame: NDArray[np.uint8], count: int) -> Growth:
    """Open, use and close an engine; twice before the first look."""
    samples: list[Memory] = []
    for number in range(count + 2):
        with open_one() as engine:
            engine.infer(frame)
        if number > 0 and (number - 1) % max(count // SAMPLES, 1) == 0:
            samples.append(memory_in_use())
    return Growth.of(count, samples)
