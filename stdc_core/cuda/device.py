"""The little of a CUDA driver that the engines need, and who provides it: pycuda or cuda-bindings.

Pointers, streams and graphs are plain integers, the driver's own handles: so TensorRT and torch
can be given them. Every call needs :meth:`Device.activate` around it, in the thread that calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from stdc_core.engines.base import EngineUnavailableError

PAGE = 4096


class CudaError(RuntimeError):
    """What the CUDA driver answered instead of doing what it was asked."""


class Kernel(NamedTuple):
    """A function on the device.

    :param signature: one letter an argument, ``P`` a pointer and ``i`` an int.
    :param handle: the library's own.
    """

    name: str
    signature: str
    handle: Any


class Device(Protocol):
    """The first GPU's primary context, which torch, cupy and TensorRT share.

    Retained once and kept; current only inside :meth:`activate`, in any one thread at a time.
    """

    library: str  # e.g. 'pycuda 2026.1'
    has_graphs: bool  # whether it can capture

    def activate(self) -> AbstractContextManager[None]:
        """Make the context this thread's for a while."""

    def allocate(self, size: int) -> int:
        """Get device memory, ``size`` bytes, not cleared."""

    def free(self, pointer: int) -> None:
        """Give device memory back."""

    def page_lock(self, array: NDArray[Any]) -> None:
        """Let the device read and write an array of :func:`page_aligned` while work goes on."""

    def page_unlock(self, array: NDArray[Any]) -> None:
        """Undo :meth:`page_lock`; the array stays an array."""

    def create_stream(self) -> int:
        """Make a queue of work that waits for no other."""

    def destroy_stream(self, stream: int) -> None:
        """Let go of a stream with nothing in it."""

    def wait(self, stream: int) -> None:
        """Block until everything on the stream is done, without holding the GIL."""

    def zero(self, pointer: int, size: int, stream: int) -> None:
        """Set ``size`` bytes on the device to 0, some time."""

    def upload(self, pointer: int, array: NDArray[Any], stream: int) -> None:
        """Copy a page-locked array to the device, some time."""

    def download(self, array: NDArray[Any], pointer: int, stream: int) -> None:
        """Copy from the device into a page-locked array, some time."""

    def load(self, ptx: bytes) -> Mapping[str, Kernel]:
        """Compile PTX for this GPU; its kernels by name. Once a device."""

    def launch(
        self,
        kernel: Kernel,
        grid: tuple[int, int],
        block: tuple[int, int],
        stream: int,
        arguments: Sequence[int],
    ) -> None:
        """Start a kernel on ``grid`` blocks of ``block`` threads, x first."""

    def capture(self, stream: int, enqueue: Callable[[], None]) -> int:
        """Record what ``enqueue`` puts on the stream, without doing it, as a graph."""

    def launch_graph(self, graph: int, stream: int) -> None:
        """Do what was recorded."""

    def destroy_graph(self, graph: int) -> None:
        """Let go of a graph that is not running."""

    def close(self) -> None:
        """Let go of kernels and context."""


def open_device() -> Device:
    """Open the first GPU that CUDA shows; :func:`find_gpu` has to have found one.

    :raises EngineUnavailableError: neither pycuda nor cuda-bindings can be imported.
    :raises CudaError: the driver refuses.
    """
    try:
        from stdc_core.cuda.pycuda_device import PycudaDevice
    except ImportError as no_pycuda:
        try:
            from stdc_core.cuda.bindings_device import BindingsDevice
        except ImportError as no_bindings:
            raise EngineUnavailableError(
                f'neither pycuda ({no_pycuda}) nor cuda-bindings ({no_bindings}) can be imported: '
                'pip install cuda-bindings'
            ) from no_bindings
        return BindingsDevice()
    return PycudaDevice()


def page_aligned(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Make an array of whole pages, uint8, so that locking them locks nothing else."""
    size = int(np.prod(shape))
    memory = np.empty(-(-size // PAGE) * PAGE + PAGE, np.uint8)
    start = -memory.ctypes.data % PAGE
    return memory[start : start + size].reshape(shape)
