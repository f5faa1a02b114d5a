"""Compile ``kernels.cu`` to ``kernels.ptx``; needs NVRTC 12.6 from PyPI, no GPU and no CUDA.

``python -m stdc_core.cuda.compile_ptx`` (or ``make ptx``) writes the file anew. PTX 8.5, which
NVRTC 12.6 writes, is taken by every driver since CUDA 12.5; newer compilers write PTX that older
drivers and JetPack 6 refuse. A test compares the shipped file with the source.
"""

from __future__ import annotations

import ctypes
import importlib.util
from pathlib import Path

from stdc_core.errors import UserError

SOURCE = Path(__file__).with_name('kernels.cu')
PTX = Path(__file__).with_name('kernels.ptx')
VERSION = (12, 6)  # of NVRTC
OPTIONS = ('--gpu-architecture=compute_75', '--fmad=false', '--std=c++17')
INSTALL = "pip install 'nvidia-cuda-nvrtc-cu12<12.7'"


class CompileError(UserError, RuntimeError):
    """No compiler, another version of it, or what it says of the source."""


def compile_ptx(source: str) -> str:
    """Compile CUDA C++ to PTX for compute capability 7.5 and later.

    :raises CompileError: NVRTC 12.6 is not installed, or refuses the source.
    """
    nvrtc = _nvrtc()
    program = ctypes.c_void_p()
    _check(
        nvrtc,
        nvrtc.nvrtcCreateProgram(
            ctypes.byref(program), source.encode(), SOURCE.name.encode(), 0, None, None
        ),
    )
    try:
        options = (ctypes.c_char_p * len(OPTIONS))(*(option.encode() for option in OPTIONS))
        if nvrtc.nvrtcCompileProgram(program, len(OPTIONS), options) != 0:
            log = _text(nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog, program)
            raise CompileError(f'{SOURCE.name} does not compile:\n{log}')
        return _text(nvrtc.nvrtcGetPTXSize, nvrtc.nvrtcGetPTX, program)
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def _nvrtc() -> ctypes.CDLL:
    spec = importlib.util.find_spec('nvidia.cuda_nvrtc') if _has_nvidia() else None
    if spec is None or not spec.submodule_search_locations:
        raise CompileError(f'NVRTC is not installed: {INSTALL}')
    folder = Path(spec.submodule_search_locations[0]) / 'lib'
    try:
        # The compiler looks for this one by name only: it has to be there before it.
        for builtins in folder.glob('libnvrtc-builtins.so.*'):
            ctypes.CDLL(str(builtins), ctypes.RTLD_GLOBAL)
        nvrtc = ctypes.CDLL(str(folder / 'libnvrtc.so.12'))
    except OSError as error:
        raise CompileError(f'NVRTC of {folder} cannot be loaded ({error}): {INSTALL}') from error
    major, minor = ctypes.c_int(), ctypes.c_int()
    _check(nvrtc, nvrtc.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)))
    if (major.value, minor.value) != VERSION:
        raise CompileError(
            f'NVRTC is {major.value}.{minor.value}, expected 12.6 for PTX 8.5: {INSTALL}'
        )
    return nvrtc


def _has_nvidia() -> bool:
    return importlib.util.find_spec('nvidia') is not None


def _check(nvrtc: ctypes.CDLL, result: int) -> None:
    if result != 0:
        nvrtc.nvrtcGetErrorString.restype = ctypes.c_char_p
        raise CompileError(f'NVRTC: {nvrtc.nvrtcGetErrorString(result).decode()}')


def _text(size_of: ctypes._FuncPointer, read: ctypes._FuncPointer, program: object) -> str:
    size = ctypes.c_size_t()
    size_of(program, ctypes.byref(size))
    buffer = ctypes.create_string_buffer(size.value)
    read(program, buffer)
    return buffer.value.decode()


if __name__ == '__main__':
    PTX.write_text(compile_ptx(SOURCE.read_text()))
    print(f'{PTX}: {PTX.stat().st_size} bytes')
