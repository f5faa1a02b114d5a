"""Model file to plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stdc_core.geometry import Size
from stdc_core.model_file import ModelFile
from stdc_core.tensorrt.fingerprint import PlanPrecision
from stdc_core.tensorrt.gpu_probe import Gpu
from stdc_core.tensorrt.library import TensorRT
from stdc_core.tensorrt.plan import Plan


def build_plan(
    model: ModelFile,
    tensorrt: TensorRT,
    gpu: Gpu | None,
    *,
    size: Size,
    detail: bool,
    precision: PlanPrecision,
    version_compatible: bool = False,
    hardware_compatible: bool = False,
    timing_cache: Path | None = None,
    on_progress: Callable[[str, int, int], None] = lambda phase, done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Plan:
    """Build a strongly typed engine that ends at the logits; takes seconds to minutes.

    :param gpu: what it is for; TensorRT-RTX needs none, TensorRT builds on the GPU it is for.
    :param timing_cache: file with the timings of earlier builds, read and written.
    :param on_progress: called with phase, steps done, steps in all; from TensorRT's threads.
    :param cancelled: asked often, from TensorRT's threads; True ends the build.
    :raises EngineError: TensorRT refuses the network, or the build was cancelled.
    """
    raise NotImplementedError
