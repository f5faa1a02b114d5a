"""A CUDA driver without a GPU (``stdc_core/cuda/fake_driver.cpp``), built for the tests."""

import ctypes
import importlib.util
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from stdc_core.cuda.compile_ptx import SOURCE

FOLDER = Path(__file__).parent / 'stdc_core/cuda'
# pycuda has to be built where it is used, so it is not among the tests' packages.
LIBRARIES = ['cuda-bindings', *(['pycuda'] if importlib.util.find_spec('pycuda') else [])]


def build(folder: Path) -> Path:
    """Compile ``libcuda.so.1``; skips the test, aloud, where there is no C++ compiler.

    It has no SONAME: loaded by its path it is no driver to anything else in the process.
    """
    compiler = shutil.which('g++') or shutil.which('clang++')
    if compiler is None:
        pytest.skip('NOT RUN, needs a C++ compiler (g++): no kernel and no GPU engine was tested')
    library = folder / 'libcuda.so.1'
    command = [compiler, '-std=c++17', '-O2', '-ffp-contract=off', '-fPIC', '-shared']
    command += [f'-DKERNELS="{SOURCE}"', '-o', library, FOLDER / 'fake_driver.cpp', '-ldl']
    subprocess.run(command, check=True)
    return library


class KernelTwin:
    """Runs the kernels on NumPy arrays; 16 x 8 threads a block, or 128."""

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library))

    def __call__(self, name: str, size: tuple[int, ...], *arguments: np.ndarray | int) -> None:
        """Run one kernel on ``size`` threads: (height, width), or (number,)."""
        values = [
            ctypes.c_void_p(argument.ctypes.data)
            if isinstance(argument, np.ndarray)
            else ctypes.c_int(argument)
            for argument in arguments
        ]
        slots = (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
        block = (16, 8) if len(size) == 2 else (128, 1)
        threads = (size[1], size[0]) if len(size) == 2 else (size[0], 1)
        grid = [-(-number // per) for number, per in zip(threads, block, strict=True)]
        assert self._library.fake_run(name.encode(), *grid, *block, slots) == 0


COUNTED = ('device_memory', 'host_memory', 'streams', 'graphs', 'modules', 'contexts', 'current')


class Driver:
    """What the fake driver counts and finds wrong."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL('libcuda.so.1')
        self._library.fake_count.restype = ctypes.c_longlong
        self._library.fake_set.argtypes = [ctypes.c_char_p, ctypes.c_longlong]

    def count(self, name: str) -> int:
        return self._library.fake_count(name.encode())

    def counts(self) -> dict[str, int]:
        return {name: self.count(name) for name in COUNTED}

    def set(self, name: str, value: int) -> None:
        self._library.fake_set(name.encode(), value)

    def misuse(self) -> str:
        text = ctypes.create_string_buffer(1 << 16)
        self._library.fake_misuse(text, len(text))
        return text.value.decode()


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


@pytest.fixture(scope='session')
def fake_driver(tmp_path_factory) -> Path:
    """Path of the library."""
    return build(tmp_path_factory.mktemp('fake_driver'))


@pytest.fixture(scope='session')
def kernel_twin(fake_driver) -> KernelTwin:
    """Compile the kernels' own source for this processor."""
    return KernelTwin(fake_driver)
