"""What benchmark/gpu.py does with TensorRT, where there is one."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from stdc_core.engines.loaded_plan import LoadedPlan
from stdc_core.geometry import Size
from stdc_core.model_file import ModelFile, logit_grid
from stdc_core.tensorrt.build import build_plan
from stdc_core.tensorrt.cache import PlanCache, load_plan
from stdc_core.tensorrt.fingerprint import fingerprint_of
from stdc_core.tensorrt.gpu_probe import Gpu, find_gpu
from stdc_core.tensorrt.library import TensorRT, built_for, find_tensorrt
from stdc_core.tensorrt.precision import PlanPrecision


@dataclass(frozen=True)
class BuiltPlan:
    """A plan that is in the user's cache now.

    :param megabytes: of the plan.
    :param reused: it was there before.
    """

    megabytes: float
    reused: bool


class Plans:
    """The user's plans of one model.

    :raises EngineUnavailableError: no GPU, or no TensorRT.
    """

    def __init__(self, model: ModelFile) -> None:
        self.model = model
        self.gpu: Gpu = find_gpu()
        self.tensorrt: TensorRT = find_tensorrt()

    def build(self, size: Size, precision: PlanPrecision) -> BuiltPlan:
        """Find or build one, with the timings of those before it."""
        cache = PlanCache()
        target = built_for(self.tensorrt, self.gpu, hardware_compatible=False)
        wanted = fingerprint_of(
            self.model, self.tensorrt, target, size=size, detail=False, precision=precision
        )
        found = cache.find(wanted)
        plan = found or build_plan(
            self.model,
            self.tensorrt,
            self.gpu,
            size=size,
            detail=False,
            precision=precision,
            timing_cache=cache.timing_cache(wanted),
        )
        if found is None:
            cache.store(plan)
        return BuiltPlan(round(len(plan.engine) / 1e6, 1), found is not None)


class PlanAlone:
    """A plan's network: uint8 image on the device to logits, by a CUDA graph.

    :param plans: where it was built.
    """

    def __init__(self, plans: Plans, size: Size, precision: PlanPrecision) -> None:
        model, device = plans.model, torch.device('cuda')
        plan = load_plan(
            model, plans.tensorrt, plans.gpu, size=size, detail=False, precision=precision
        )
        classes = len(model.metadata.labels)
        self._plan = LoadedPlan(plans.tensorrt, plan, classes)
        self._context = self._plan.create_context()
        shape = (1, classes, *logit_grid(size))
        self.image = torch.randint(0, 256, (1, *size, 3), dtype=torch.uint8, device=device)
        self.logits = torch.empty(shape, device=device)
        self._context.bind('image', self.image.data_ptr())
        self._context.bind('logits', self.logits.data_ptr())
        self._stream = torch.cuda.Stream()
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.stream(self._stream):
            for _ in range(3):  # TensorRT sets up in the first
                self._context.enqueue(self._stream.cuda_stream)
            self._stream.synchronize()
            with torch.cuda.graph(
                self._graph, stream=self._stream, capture_error_mode='thread_local'
            ):
                self._context.enqueue(self._stream.cuda_stream)

    def run(self) -> None:
        """Run it once, on the current stream."""
        self._graph.replay()

    def close(self) -> None:
        """Let go of the plan."""
        torch.cuda.synchronize()
        self._graph.reset()
        self._plan.close()
