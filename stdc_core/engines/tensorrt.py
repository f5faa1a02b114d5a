"""TensorRT or TensorRT-RTX on an NVIDIA GPU, with a plan that ``stdc_seg build-engine`` made.

The whole frame is the GPU's: camera bytes in, labels of the camera's size out, by the kernels of
:mod:`stdc_core.cuda` around the plan, in one CUDA graph. Nothing is imported that may crash
without a driver before the driver itself was asked.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from stdc_core.cuda.device import CudaError, Device, open_device
from stdc_core.cuda.frame_kernels import FrameKernels
from stdc_core.cuda.frame_slot import FrameSlot
from stdc_core.engines.base import (
    EngineUnavailableError,
    InferenceEngine,
    NetworkOutput,
    Precision,
    Segmentation,
)
from stdc_core.engines.loaded_plan import LoadedPlan
from stdc_core.labels import ColorOrder
from stdc_core.tensorrt.cache import load_plan
from stdc_core.tensorrt.gpu_probe import Gpu, find_gpu
from stdc_core.tensorrt.library import find_tensorrt

logger = logging.getLogger(__name__)

SLOTS = 2  # frames on their way at once in infer_each: one is copied while one is computed
CPU_ENGINES = {'openvino': 'OpenVINOEngine', 'onnxruntime': 'ONNXRuntimeEngine'}


class TensorRTEngine(InferenceEngine):
    """A plan between the project's own kernels.

    Any thread may call, one at a time: the GPU's primary context is retained once and becomes the
    calling thread's for the length of the call.
    """

    backend: ClassVar[str] = 'tensorrt'
    auto_precision: ClassVar[Precision] = 'fp16'  # what build-engine builds unless told otherwise

    _device: Device | None = None
    _plan: LoadedPlan | None = None
    _slots: tuple[FrameSlot, ...] = ()

    def _open(self) -> None:
        if self.precision == 'bf16':
            raise EngineUnavailableError(
                'the tensorrt engine has fp32 and fp16 plans, and int8 ones of int8 model files; '
                'asked for bf16'
            )
        self._gpu: Gpu = find_gpu()
        library = find_tensorrt()
        plan = load_plan(
            self.model,
            library,
            self._gpu,
            size=self.size,
            detail=self.detail,
            precision=self.precision,
        )
        self._device = open_device()
        with self._device.activate():
            kernels = FrameKernels(self._device)
            self._plan = LoadedPlan(library, plan, len(self.model.metadata.labels))
            for _ in range(SLOTS):
                slot = FrameSlot(
                    self.backend,
                    self._device,
                    kernels,
                    self._plan.create_context(),
                    self.model.metadata,
                    self.size,
                    self.detail,
                )
                self._slots += (slot,)

    def _run_frame(
        self, frame: NDArray[np.uint8], color_order: ColorOrder, confidence: bool
    ) -> Segmentation:
        with self._on_device():
            self._slots[0].drop()
            self._slots[0].submit(frame, color_order, confidence)
            return self._slots[0].collect()

    def infer_each(
        self,
        frames: Iterable[NDArray[np.uint8]],
        *,
        color_order: ColorOrder = 'bgr',
        confidence: bool = False,
    ) -> Iterator[Segmentation]:
        """Segment frames in turn, each one copied to the GPU while it works on the one before."""
        before: FrameSlot | None = None
        try:
            for number, frame in enumerate(frames):
                self._check_frame(frame, color_order)
                slot = self._slots[number % SLOTS]
                with self._on_device():
                    slot.drop()
                    slot.submit(frame, color_order, confidence)
                    result = None if before is None else before.collect()
                before = slot
                if result is not None:
                    yield result
            if before is not None:
                with self._on_device():
                    result = before.collect()
                yield result
        finally:
            if not self._closed:
                with self._on_device():
                    for slot in self._slots:
                        slot.drop()

    def _run(self, image: NDArray[np.uint8]) -> NetworkOutput:
        with self._on_device():
            self._slots[0].drop()
            return self._slots[0].run_network(image[0])

    @contextmanager
    def _on_device(self) -> Iterator[None]:
        assert self._device is not None
        try:
            with self._device.activate():
                yield
        except CudaError as error:
            raise EngineUnavailableError(f'the GPU failed: {error}') from error

    def _agreement_elsewhere(self, labels: NDArray[np.uint8]) -> float:
        """Compare with an engine on the CPU, which needs no plan of the default size."""
        missing = []
        for name, engine_class in CPU_ENGINES.items():
            try:
                module = importlib.import_module(f'stdc_core.engines.{name}')
                engine: InferenceEngine = getattr(module, engine_class)(
                    self.model,
                    size=self.size,
                    precision='fp32',
                    threads=self.threads,
                    detail=False,
                )
            except EngineUnavailableError as error:
                missing.append(str(error))
                continue
            with engine:
                frame = self.model.metadata.self_check.frame
                expected = engine.infer(frame, color_order='rgb').labels
                return float(np.mean(labels == expected))
        raise EngineUnavailableError(
            f'at {self.size} the plan proves itself against an engine on the CPU, and none runs '
            f'here: {"; ".join(missing)}'
        )

    def _tail(self) -> str:
        return 'cuda'

    def _close(self) -> None:
        device, self._device = self._device, None
        if device is None:
            return
        try:
            with device.activate():
                for slot in self._slots:
                    slot.close()
                self._slots = ()
                if self._plan is not None:
                    self._plan.close()
                self._plan = None
            device.close()
        except CudaError as error:  # after an error of the GPU nothing can be freed any more
            logger.error('the GPU failed, so its memory is not freed: %s', error)

    def _describe(self) -> tuple[str, str]:
        assert self._device is not None
        assert self._plan is not None
        return f'{self._plan.version} ({self._device.library})', self._gpu.name
