"""Which GPU CUDA would use, asked of the driver alone: no library that may crash without one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Gpu:
    """One GPU as CUDA names it.

    :param name: e.g. ``Orin``.
    :param compute_capability: e.g. ``8.7``.
    """

    name: str
    compute_capability: str


def find_gpu(index: int = 0) -> Gpu:
    """Ask libcuda, through ctypes.

    :param index: CUDA's own, after CUDA_VISIBLE_DEVICES.
    :raises EngineUnavailableError: no driver, a driver that does not start, or no such GPU.
    """
    raise NotImplementedError
