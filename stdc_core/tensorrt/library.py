"""The TensorRT that is installed, and the differences between its flavours and versions."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Literal

Flavour = Literal['tensorrt', 'tensorrt_rtx']


@dataclass(frozen=True)
class TensorRT:
    """An imported TensorRT.

    :param module: ``tensorrt`` or ``tensorrt_rtx``.
    :param flavour: which of them; the module's name.
    :param version: e.g. ``10.3.0``, ``1.7.1.116``.
    """

    module: ModuleType
    flavour: Flavour
    version: str


def find_tensorrt(flavour: Flavour | None = None) -> TensorRT:
    """Import TensorRT, or else TensorRT-RTX.

    Without a GPU TensorRT is not touched (it fails without a driver, parts of it crash), and
    TensorRT-RTX is taken, which builds anywhere. Who wants to run plans calls
    :func:`stdc_core.tensorrt.gpu_probe.find_gpu` first.

    :param flavour: only this one; the first that is installed where None.
    :raises EngineUnavailableError: not installed, or too old or too new; the message says what to
        install.
    """
    raise NotImplementedError
