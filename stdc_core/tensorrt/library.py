"""The TensorRT that is installed, and where its flavours and versions differ.

Written for TensorRT 10.3 to 11 and TensorRT-RTX 1.2 and later; run with TensorRT-RTX 1.7.1 alone.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, Literal

from stdc_core.engines.base import EngineUnavailableError
from stdc_core.tensorrt.gpu_probe import Gpu, find_gpu

Flavour = Literal['tensorrt', 'tensorrt_rtx']
NAMES: dict[Flavour, str] = {'tensorrt': 'TensorRT', 'tensorrt_rtx': 'TensorRT-RTX'}
INSTALL: dict[Flavour, str] = {
    'tensorrt': "install NVIDIA's (JetPack 6 has it; docs/tensorrt.md)",
    'tensorrt_rtx': 'pip install tensorrt-rtx-cu13',
}
# From the first to before the last: the first of JetPack 6; later ones nobody has read about.
VERSIONS: dict[Flavour, tuple[str, str]] = {
    'tensorrt': ('10.3', '12'),
    'tensorrt_rtx': ('1.2', '2'),
}
AMPERE = '8.0'


@dataclass(frozen=True)
class TensorRT:
    """An imported TensorRT.

    :param module: ``tensorrt`` or ``tensorrt_rtx``.
    :param flavour: which of them; the module's name.
    :param version: e.g. ``10.3.0``, ``1.7.1.116``.
    """

    module: Any
    flavour: Flavour
    version: str

    def __str__(self) -> str:
        return f'{NAMES[self.flavour]} {self.version}'


def find_tensorrt(flavour: Flavour | None = None) -> TensorRT:
    """Import TensorRT, or else TensorRT-RTX.

    Without a GPU TensorRT is not touched (it fails without a driver, parts of it crash), and
    TensorRT-RTX is taken, which builds anywhere. Who wants to run plans calls
    :func:`stdc_core.tensorrt.gpu_probe.find_gpu` first.

    :param flavour: only this one; the first that is installed where None.
    :raises EngineUnavailableError: not installed, or too old or too new; the message says what to
        install.
    """
    problems = []
    for name in NAMES if flavour is None else (flavour,):
        try:
            if name == 'tensorrt':
                find_gpu()
            return _import(name)
        except EngineUnavailableError as error:
            problems.append(f'{NAMES[name]}: {error}')
    raise EngineUnavailableError('; '.join(problems))


def _import(flavour: Flavour) -> TensorRT:
    try:
        module = importlib.import_module(flavour)
        version = str(module.__version__)
    except Exception as error:  # a stub without its libraries raises what it likes
        reason = str(error).strip().split('\n')[0]
        raise EngineUnavailableError(
            f'it does not import ({reason}): {INSTALL[flavour]}'
        ) from error
    first, end = VERSIONS[flavour]
    if not version_numbers(first) <= version_numbers(version) < version_numbers(end):
        raise EngineUnavailableError(
            f'version {version} is installed, expected {first} or later, before {end}'
        )
    return TensorRT(module, flavour, version)


def version_numbers(version: str) -> tuple[int, ...]:
    """``10.3.0.post1`` -> (10, 3, 0); also of compute capabilities."""
    numbers = []
    for part in version.split('.'):
        if not part.isdecimal():
            break
        numbers.append(int(part))
    return tuple(numbers)


def strongly_typed_flags(tensorrt: TensorRT) -> int:
    """Ask for a network whose precisions are those of its tensors: in 11 there is no other."""
    flag = getattr(tensorrt.module.NetworkDefinitionCreationFlag, 'STRONGLY_TYPED', None)
    return 0 if flag is None else 1 << int(flag)


def built_for(tensorrt: TensorRT, gpu: Gpu | None, *, hardware_compatible: bool) -> Gpu:
    """Which GPUs a plan is for: no name is any, and ``8.0+`` that compute capability and later.

    :param gpu: of this machine.
    :raises EngineUnavailableError: TensorRT has no GPU to build on, or the GPU is too old.
    """
    later = Gpu('', f'{AMPERE}+')
    old = gpu is not None and version_numbers(gpu.compute_capability) < version_numbers(AMPERE)
    if gpu is not None and old and hardware_compatible:
        raise EngineUnavailableError(
            f'{gpu.name} has compute capability {gpu.compute_capability}, and plans for several '
            f'GPUs run on {AMPERE} and later: build without --hardware-compatible'
        )
    if tensorrt.flavour == 'tensorrt_rtx':
        # Its plans are compiled to the end where they run; only older GPUs have to be named.
        return later if gpu is None or not old else Gpu('', gpu.compute_capability)
    if gpu is None:
        raise EngineUnavailableError(
            'TensorRT builds on the GPU that runs the plan, and there is none here'
        )
    return later if hardware_compatible else gpu


def configure(tensorrt: TensorRT, config: Any, gpu: Gpu, *, version_compatible: bool) -> None:
    """Set up an ``IBuilderConfig`` for a plan.

    :param gpu: from :func:`built_for`.
    :raises EngineUnavailableError: this flavour cannot do it.
    """
    module = tensorrt.module
    config.clear_flag(module.BuilderFlag.TF32)  # on by default; its 10 bits are not fp32
    config.profiling_verbosity = module.ProfilingVerbosity.DETAILED  # for the inspector
    if tensorrt.flavour == 'tensorrt_rtx':
        # Without it a plan may allocate while it runs, which no CUDA graph can record.
        config.set_flag(module.BuilderFlag.REQUIRE_USER_ALLOCATION)
        if version_compatible:
            raise EngineUnavailableError(
                'a plan of TensorRT-RTX runs on the version that built it and no other: build '
                'without --version-compatible'
            )
        if not gpu.compute_capability.endswith('+'):
            name = f'SM{gpu.compute_capability.replace(".", "")}'
            config.num_compute_capabilities = 1
            config.set_compute_capability(getattr(module.ComputeCapability, name), 0)
        return
    if version_compatible:
        config.set_flag(module.BuilderFlag.VERSION_COMPATIBLE)
    if not gpu.name:
        config.hardware_compatibility_level = module.HardwareCompatibilityLevel.AMPERE_PLUS


def has_timing_cache(tensorrt: TensorRT) -> bool:
    """Whether it times kernels when it builds. TensorRT-RTX does not since 1.2."""
    return tensorrt.flavour == 'tensorrt'
