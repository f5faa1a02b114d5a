"""The device through pycuda; graphs through cuda-bindings, where that is installed, too."""

from __future__ import annotations

import atexit
import ctypes
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import pycuda
import pycuda.driver as cuda
from numpy.typing import NDArray

from stdc_core.cuda.device import CudaError, Kernel
from stdc_core.cuda.ptx import signatures

try:
    from stdc_core.cuda import graphs
except ImportError:
    graphs = None  # type: ignore[assignment]

NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING


@cache
def _primary_context() -> Any:
    """Retain it once a process: pycuda leaves it on a thread's stack when it is let go."""
    cuda.init()
    context = cuda.Device(0).retain_primary_context()
    atexit.register(context.detach)  # its destructor would detach it as if it were no primary one
    return context


class PycudaDevice:
    """See :class:`stdc_core.cuda.device.Device`."""

    library = f'pycuda {pycuda.VERSION_TEXT}'
    has_graphs = graphs is not None

    def __init__(self) -> None:
        with _errors():
            self._context = _primary_context()
        self._memory: dict[int, Any] = {}
        self._streams: dict[int, Any] = {}
        # pycuda destroys what nobody refers to, and has to do it in the context: so all references
        # are here, and whoever keeps a kernel or a stream of a closed device keeps a number.
        self._functions: dict[str, Any] = {}
        self._module: Any = None

    @contextmanager
    def activate(self) -> Iterator[None]:
        """Make the context this thread's for a while."""
        with _errors():
            self._context.push()
            try:
                yield
            finally:
                cuda.Context.pop()

    def allocate(self, size: int) -> int:
        """Get device memory."""
        memory = cuda.mem_alloc(size)
        self._memory[int(memory)] = memory
        return int(memory)

    def free(self, pointer: int) -> None:
        """Give device memory back."""
        self._memory.pop(pointer).free()

    def page_lock(self, array: NDArray[Any]) -> None:
        """Let the device reach an array."""
        # pycuda 2026.1's own register_host_memory crashes: it sets an array's base twice.
        _call('cuMemHostRegister_v2', array.ctypes.data, array.nbytes, 0)

    def page_unlock(self, array: NDArray[Any]) -> None:
        """Undo :meth:`page_lock`."""
        _call('cuMemHostUnregister', array.ctypes.data)

    def create_stream(self) -> int:
        """Make a stream that does not wait for the default one."""
        stream = cuda.Stream(NON_BLOCKING)
        self._streams[stream.handle] = stream
        return int(stream.handle)

    def destroy_stream(self, stream: int) -> None:
        """Let go of a stream."""
        del self._streams[stream]  # pycuda destroys it with the last reference

    def wait(self, stream: int) -> None:
        """Block until the stream is done."""
        self._streams[stream].synchronize()

    def zero(self, pointer: int, size: int, stream: int) -> None:
        """Set to 0."""
        cuda.memset_d8_async(pointer, 0, size, self._streams[stream])

    def upload(self, pointer: int, array: NDArray[Any], stream: int) -> None:
        """Copy to the device."""
        cuda.memcpy_htod_async(pointer, array, self._streams[stream])

    def download(self, array: NDArray[Any], pointer: int, stream: int) -> None:
        """Copy from the device."""
        cuda.memcpy_dtoh_async(array, pointer, self._streams[stream])

    def load(self, ptx: bytes) -> Mapping[str, Kernel]:
        """Compile PTX for this GPU."""
        assert self._module is None
        self._module = cuda.module_from_buffer(ptx)
        kernels = {}
        for name, signature in signatures(ptx.rstrip(b'\0')).items():
            function = self._module.get_function(name)
            function.prepare(signature)
            self._functions[name] = function
            kernels[name] = Kernel(name, signature, name)
        return kernels

    def launch(
        self,
        kernel: Kernel,
        grid: tuple[int, int],
        block: tuple[int, int],
        stream: int,
        arguments: Sequence[int],
    ) -> None:
        """Start a kernel."""
        self._functions[kernel.name].prepared_async_call(
            (*grid, 1), (*block, 1), self._streams[stream], *arguments
        )

    def capture(self, stream: int, enqueue: Callable[[], None]) -> int:
        """Record what ``enqueue`` puts on the stream."""
        with _errors():  # those of enqueue, too: without a graph frames go step by step
            return graphs.capture(stream, enqueue)

    def launch_graph(self, graph: int, stream: int) -> None:
        """Do what was recorded."""
        graphs.launch_graph(graph, stream)

    def destroy_graph(self, graph: int) -> None:
        """Let go of a graph."""
        graphs.destroy_graph(graph)

    def close(self) -> None:
        """Let go of the kernels; the context stays with the process."""
        if self._module is not None:
            with self.activate():
                self._functions.clear()
                self._module = None


def _call(function: str, pointer: int, *arguments: int) -> None:
    """Call the driver beside pycuda, in its context."""
    sizes = [ctypes.c_size_t(argument) for argument in arguments]
    status = getattr(ctypes.CDLL('libcuda.so.1'), function)(ctypes.c_void_p(pointer), *sizes)
    if status != 0:
        raise CudaError(f'error {status} of the CUDA driver ({function})')


@contextmanager
def _errors() -> Iterator[None]:
    """Turn pycuda's errors into ours."""
    try:
        yield
    except cuda.Error as error:
        raise CudaError(str(error)) from error
