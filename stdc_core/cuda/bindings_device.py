"""The device through NVIDIA's cuda-bindings: a wheel, and all of the driver as it is."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from cuda.bindings import driver
from numpy.typing import NDArray

from stdc_core.cuda import graphs
from stdc_core.cuda.device import Kernel
from stdc_core.cuda.graphs import call
from stdc_core.cuda.ptx import signatures

NON_BLOCKING = int(driver.CUstream_flags.CU_STREAM_NON_BLOCKING)
C_TYPES = {'P': ctypes.c_void_p, 'i': ctypes.c_int}


class BindingsDevice:
    """See :class:`stdc_core.cuda.device.Device`.

    :param index: of the GPU, CUDA's own.
    """

    library = f'cuda-bindings {version("cuda-bindings")}'
    has_graphs = True

    capture = staticmethod(graphs.capture)
    launch_graph = staticmethod(graphs.launch_graph)
    destroy_graph = staticmethod(graphs.destroy_graph)

    def __init__(self, index: int = 0) -> None:
        call(driver.cuInit, 0)
        self._device = call(driver.cuDeviceGet, index)
        self._context: Any = call(driver.cuDevicePrimaryCtxRetain, self._device)
        self._module: Any = None

    @contextmanager
    def activate(self) -> Iterator[None]:
        """Make the context this thread's for a while."""
        call(driver.cuCtxPushCurrent, self._context)
        try:
            yield
        finally:
            call(driver.cuCtxPopCurrent)

    def allocate(self, size: int) -> int:
        """Get device memory."""
        return int(call(driver.cuMemAlloc, size))

    def free(self, pointer: int) -> None:
        """Give device memory back."""
        call(driver.cuMemFree, pointer)

    def page_lock(self, array: NDArray[Any]) -> None:
        """Let the device reach an array."""
        call(driver.cuMemHostRegister, array.ctypes.data, array.nbytes, 0)

    def page_unlock(self, array: NDArray[Any]) -> None:
        """Undo :meth:`page_lock`."""
        call(driver.cuMemHostUnregister, array.ctypes.data)

    def create_stream(self) -> int:
        """Make a stream that does not wait for the default one."""
        return int(call(driver.cuStreamCreate, NON_BLOCKING))

    def destroy_stream(self, stream: int) -> None:
        """Let go of a stream."""
        call(driver.cuStreamDestroy, stream)

    def wait(self, stream: int) -> None:
        """Block until the stream is done."""
        call(driver.cuStreamSynchronize, stream)

    def zero(self, pointer: int, size: int, stream: int) -> None:
        """Set to 0."""
        call(driver.cuMemsetD8Async, pointer, 0, size, stream)

    def upload(self, pointer: int, array: NDArray[Any], stream: int) -> None:
        """Copy to the device."""
        call(driver.cuMemcpyHtoDAsync, pointer, array.ctypes.data, array.nbytes, stream)

    def download(self, array: NDArray[Any], pointer: int, stream: int) -> None:
        """Copy from the device."""
        call(driver.cuMemcpyDtoHAsync, array.ctypes.data, pointer, array.nbytes, stream)

    def load(self, ptx: bytes) -> Mapping[str, Kernel]:
        """Compile PTX for this GPU."""
        assert self._module is None
        self._module = call(driver.cuModuleLoadData, ptx)
        return {
            name: Kernel(
                name, signature, call(driver.cuModuleGetFunction, self._module, name.encode())
            )
            for name, signature in signatures(ptx.rstrip(b'\0')).items()
        }

    def launch(
        self,
        kernel: Kernel,
        grid: tuple[int, int],
        block: tuple[int, int],
        stream: int,
        arguments: Sequence[int],
    ) -> None:
        """Start a kernel."""
        types = tuple(C_TYPES[letter] for letter in kernel.signature)
        assert len(types) == len(arguments)
        call(
            driver.cuLaunchKernel,
            kernel.handle,
            *grid,
            1,
            *block,
            1,
            0,
            stream,
            (tuple(arguments), types),
            0,
        )

    def close(self) -> None:
        """Let go of kernels and context; a second call does nothing."""
        if self._context is None:
            return
        if self._module is not None:
            with self.activate():
                call(driver.cuModuleUnload, self._module)
        self._context = self._module = None
        call(driver.cuDevicePrimaryCtxRelease, self._device)
