"""torch on an NVIDIA GPU: the network with the file's weights, in half if asked for, as one graph.

Camera bytes go in and labels of the camera's size come out; the host waits once a frame. Resize
and tail are the kernels of :mod:`stdc_core.cuda` where cuda-bindings can start them on torch's
stream, and the same in plain torch operations where not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from stdc_core.cuda.not_finite import COUNTS, LABELS_AT, check_counts
from stdc_core.engines.base import (
    MAX_FRAME_SIZES,
    EngineUnavailableError,
    InferenceEngine,
    NetworkOutput,
    Precision,
    Segmentation,
    StageTimes,
)
from stdc_core.geometry import FrameGeometry, Size
from stdc_core.labels import ColorOrder
from stdc_core.model_file import logit_grid

try:
    import torch
except ImportError as error:
    raise EngineUnavailableError('the torch-cuda engine needs: pip install torch') from error

from stdc_core.engines.torch import load_network
from stdc_core.engines.torch_tail import Tail, open_tail, tables_of
from stdc_core.networks.model_graph import ModelGraph

TYPES: dict[Precision, torch.dtype] = {
    'fp32': torch.float32,
    'bf16': torch.bfloat16,
    'fp16': torch.float16,
}
WARM_UP_RUNS = 3  # before a capture: cuDNN tries its kernels in the first


class TorchCudaEngine(InferenceEngine):
    """Batch norm folded, channels last, on torch's current GPU, on a stream of its own."""

    backend: ClassVar[str] = 'torch-cuda'
    auto_precision: ClassVar[Precision] = 'fp16'
    device_type: ClassVar[str] = 'cuda'  # tests take 'cpu': plain operations, no graphs

    _network: ModelGraph | None = None
    _frame_tail: Tail | None = None

    def _open(self) -> None:
        self._on_gpu = self.device_type == 'cuda'
        if self._on_gpu and not torch.cuda.is_available():
            raise EngineUnavailableError(
                f'torch {torch.__version__} finds no GPU: is there a driver (nvidia-smi), and is '
                'this torch one for CUDA?'
            )
        if self._on_gpu and self.precision == 'bf16' and not torch.cuda.is_bf16_supported(False):
            raise EngineUnavailableError('this GPU has no bf16, and torch would emulate it: fp16')
        self._device = torch.device(self.device_type)
        network = ModelGraph(load_network(self.model, detail=self.detail), TYPES[self.precision])
        network.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._network = network.eval()
        self._stream = torch.cuda.Stream() if self._on_gpu else None
        self._input = self._empty(1, *self.size, 3)
        self._frames: dict[Size, _Frames] = {}
        self._frame_tail = open_tail(self._device)

    def _run_frame(
        self, frame: NDArray[np.uint8], color_order: ColorOrder, confidence: bool
    ) -> Segmentation:
        start = time.perf_counter()
        frames = self._frames_for(Size(*frame.shape[:2]))
        np.copyto(frames.staged, frame)
        staged = time.perf_counter()
        wanted = (True, confidence, self.detail)
        with self._working():
            frames.frame.copy_(frames.host_frame, non_blocking=True)
            self._compute(frames, color_order, confidence)
            for host, here, is_wanted in zip(frames.host_maps, frames.maps, wanted, strict=True):
                if is_wanted:
                    host.copy_(here, non_blocking=True)
        self._wait()
        done = time.perf_counter()
        counted_labels, confidence_map, detail = frames.results
        check_counts(
            self.backend, counted_labels, len(self.model.metadata.labels), logit_grid(self.size)
        )
        return Segmentation(
            labels=frames.labels,
            confidence=confidence_map if confidence else None,
            detail=detail if self.detail else None,
            stage_ms=StageTimes(
                1e3 * (staged - start),
                1e3 * (done - staged),
                1e3 * (time.perf_counter() - done),
            ),
        )

    def _run(self, image: NDArray[np.uint8]) -> NetworkOutput:
        assert self._network is not None
        with self._working(), _choosing_kernels():
            self._input.copy_(torch.from_numpy(image))
            logits, detail = self._network(self._input)
            found = [None if each is None else each.float().cpu() for each in (logits, detail)]
        self._wait()
        assert found[0] is not None
        return NetworkOutput(
            found[0][0].contiguous().numpy(), None if found[1] is None else found[1][0, 0].numpy()
        )

    def _compute(self, frames: _Frames, color_order: ColorOrder, confidence: bool) -> None:
        """Replay the graph of this kind of work; the first frame of a kind makes it."""
        if not self._on_gpu:
            self._steps(frames, color_order, confidence)
            return
        kind = (color_order, confidence)
        if kind not in frames.graphs:
            frames.graphs[kind] = self._record(frames, color_order, confidence)
        frames.graphs[kind].replay()

    def _record(
        self, frames: _Frames, color_order: ColorOrder, confidence: bool
    ) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        with _choosing_kernels():
            for _ in range(WARM_UP_RUNS):
                self._steps(frames, color_order, confidence)
            self._wait()
            # The usual mode forbids other threads' CUDA calls meanwhile.
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode='thread_local'):
                self._steps(frames, color_order, confidence)
        return graph

    def _steps(self, frames: _Frames, color_order: ColorOrder, confidence: bool) -> None:
        assert self._network is not None
        assert self._frame_tail is not None
        tail, tables = self._frame_tail, frames.tables
        counted_labels, confidence_map, detail_map = frames.maps
        labels = counted_labels[LABELS_AT:].view_as(confidence_map)
        counts = counted_labels[:COUNTS].view(torch.int32).zero_()
        tail.resize(frames.frame, frames.geometry, tables, self._input, color_order)
        logits, detail = self._network(self._input)
        logits = logits[0].float().contiguous()  # (C, h, w)
        tail.labels(logits, tables, labels, counts[:1])
        if confidence:
            tail.confidence(logits, tables, confidence_map)
        if detail is not None:
            tail.detail(detail[0, 0].float().contiguous(), tables, detail_map, counts[1:])

    @contextmanager
    def _working(self) -> Iterator[None]:
        """Be on the stream, which on the CPU there is none of."""
        on_stream = nullcontext() if self._stream is None else torch.cuda.stream(self._stream)
        with torch.inference_mode(), on_stream:
            yield

    def _wait(self) -> None:
        if self._stream is not None:
            self._stream.synchronize()

    def _frames_for(self, size: Size) -> _Frames:
        if size not in self._frames:
            if len(self._frames) == MAX_FRAME_SIZES:
                self._frames.clear()
            self._frames[size] = _Frames(self, size)
        return self._frames[size]

    def _empty(self, *shape: int, page_locked: bool = False) -> torch.Tensor:
        if page_locked:
            return torch.empty(shape, dtype=torch.uint8, pin_memory=self._on_gpu)
        return torch.empty(shape, dtype=torch.uint8, device=self._device)

    def _tail(self) -> str:
        assert self._frame_tail is not None
        return self._frame_tail.name

    def _close(self) -> None:
        self._frames = {}
        self._network = None
        if self._frame_tail is not None:
            self._frame_tail.close()
        if self.device_type == 'cuda' and torch.cuda.is_available():
            torch.cuda.empty_cache()  # the graphs' memory goes back to whoever else needs it

    def _describe(self) -> tuple[str, str]:
        device = torch.cuda.get_device_name() if self._on_gpu else self.device_type
        return torch.__version__, device


def _choosing_kernels() -> AbstractContextManager[None]:
    """Let cuDNN look for its fastest kernels; fp32 is fp32, not TF32."""
    return torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False)


class _Frames:
    """What depends on the frame's size; results stay valid when this is let go of."""

    def __init__(self, engine: TorchCudaEngine, size: Size) -> None:
        assert engine._frame_tail is not None
        metadata = engine.model.metadata
        self.geometry = FrameGeometry(size, engine.size, metadata.resize)
        self.tables: Any = engine._frame_tail.tables(tables_of(self.geometry, metadata))
        self.graphs: dict[tuple[ColorOrder, bool], torch.cuda.CUDAGraph] = {}
        self.host_frame = engine._empty(*size, 3, page_locked=True)
        self.staged: NDArray[np.uint8] = self.host_frame.numpy()
        self.frame = engine._empty(*size, 3)
        # labels behind their counts, confidence, detail
        shapes = ((LABELS_AT + size.height * size.width,), size, size)
        self.host_maps = [engine._empty(*shape, page_locked=True) for shape in shapes]
        self.results: list[NDArray[np.uint8]] = [each.numpy() for each in self.host_maps]
        self.labels = self.results[0][LABELS_AT:].reshape(size)
        self.maps = [engine._empty(*shape) for shape in shapes]
