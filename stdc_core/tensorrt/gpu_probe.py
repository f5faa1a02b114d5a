"""Which GPU CUDA would use, asked of the driver alone: no library that may crash without one."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from stdc_core.engines.base import EngineUnavailableError

# cuda.h
COMPUTE_CAPABILITY_MAJOR, COMPUTE_CAPABILITY_MINOR = 75, 76


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
    try:
        driver = ctypes.CDLL('libcuda.so.1')
    except OSError as error:
        raise EngineUnavailableError(
            "this machine has no NVIDIA driver (libcuda.so.1): install the GPU's"
        ) from error
    _call(driver, 'cuInit', 0)
    count = ctypes.c_int()
    _call(driver, 'cuDeviceGetCount', ctypes.byref(count))
    if index >= count.value:
        raise EngineUnavailableError(
            f'the NVIDIA driver shows {count.value} GPUs and number {index} is asked for: is '
            'CUDA_VISIBLE_DEVICES set?'
        )
    device = ctypes.c_int()
    _call(driver, 'cuDeviceGet', ctypes.byref(device), index)
    name = ctypes.create_string_buffer(256)
    _call(driver, 'cuDeviceGetName', name, len(name), device)
    capability = []
    for attribute in (COMPUTE_CAPABILITY_MAJOR, COMPUTE_CAPABILITY_MINOR):
        value = ctypes.c_int()
        _call(driver, 'cuDeviceGetAttribute', ctypes.byref(value), attribute, device)
        capability.append(value.value)
    return Gpu(name.value.decode(errors='replace'), '{}.{}'.format(*capability))


def _call(driver: ctypes.CDLL, function: str, *arguments: object) -> None:
    if status := getattr(driver, function)(*arguments):
        text = ctypes.c_char_p()
        driver.cuGetErrorString(status, ctypes.byref(text))
        reason = (text.value or b'unknown error').decode()
        raise EngineUnavailableError(f'the NVIDIA driver does not start: {reason} ({function})')
