"""What NVIDIA's management library (NVML) tells of the GPUs, where there is one that answers.

It comes with the driver; ``nvidia-ml-py`` (``import pynvml``) is optional and asks it.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar('T')
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class GpuFacts:
    """One GPU, now; None for what this one does not tell (a Jetson has no memory of its own).

    :param index: NVML's own, which counts all GPUs, also those hidden from CUDA.
    :param memory_used: by all processes, bytes.
    :param temperature_c: of the chip, degrees Celsius.
    """

    index: int
    name: str | None
    memory_used: int | None
    memory_total: int | None
    temperature_c: int | None


class GpuMonitor:
    """Asks NVML about every GPU; without a GPU, a driver or pynvml there is nothing to tell.

    A context manager. NVML is another's code and of no use to the work: whatever it raises costs
    the fact that was asked for and nothing else.
    """

    def __init__(self) -> None:
        self._nvml: Any = None
        self._devices: list[Any] = []
        try:
            import pynvml

            pynvml.nvmlInit()
            self._nvml = pynvml
            for index in range(pynvml.nvmlDeviceGetCount()):
                self._devices.append(pynvml.nvmlDeviceGetHandleByIndex(index))
        except Exception as error:
            logger.debug('NVML tells of %d GPUs: %r', len(self._devices), error)

    def facts(self) -> Sequence[GpuFacts]:
        """Ask now; empty where nothing answers."""
        return [self._facts(index, device) for index, device in enumerate(self._devices)]

    def close(self) -> None:
        """Let go of NVML; a second call does nothing."""
        if self._nvml is not None:
            with contextlib.suppress(Exception):
                self._nvml.nvmlShutdown()
        self._nvml, self._devices = None, []

    def _facts(self, index: int, device: Any) -> GpuFacts:
        nvml = self._nvml
        name = _answer(lambda: nvml.nvmlDeviceGetName(device))
        memory = _answer(lambda: nvml.nvmlDeviceGetMemoryInfo(device))
        return GpuFacts(
            index,
            name.decode() if isinstance(name, bytes) else name,  # bytes before nvidia-ml-py 12
            None if memory is None else memory.used,
            None if memory is None else memory.total,
            _answer(lambda: nvml.nvmlDeviceGetTemperature(device, nvml.NVML_TEMPERATURE_GPU)),
        )

    def __enter__(self) -> GpuMonitor:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _answer(question: Callable[[], T]) -> T | None:
    """Ask; None where NVML has no answer."""
    try:
        return question()
    except Exception:
        return None
