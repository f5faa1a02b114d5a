"""A frame's way through the GPU: one stream, its buffers, and a graph that does it all at once."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stdc_core.cuda.device import CudaError, Device, page_aligned
from stdc_core.cuda.frame_kernels import FrameKernels, TablePointers
from stdc_core.cuda.not_finite import COUNTS, LABELS_AT, check_counts
from stdc_core.cuda.tables import frame_tables
from stdc_core.engines.base import (
    MAX_FRAME_SIZES,
    EngineError,
    NetworkOutput,
    Segmentation,
    StageTimes,
)
from stdc_core.geometry import FrameGeometry, Size
from stdc_core.labels import ColorOrder
from stdc_core.model_file import ModelMetadata, logit_grid

logger = logging.getLogger(__name__)


class Network(Protocol):
    """A network bound to buffers on the device."""

    def bind(self, tensor: str, pointer: int) -> None:
        """Say where ``image``, ``logits`` or ``detail`` lies."""

    def enqueue(self, stream: int) -> None:
        """Put one run on the stream."""


class _Memory:
    """Device memory and page-locked arrays that are let go of together."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._pointers: list[int] = []
        self._arrays: list[NDArray[np.uint8]] = []

    def allocate(self, size: int) -> int:
        pointer = self._device.allocate(size)
        self._pointers.append(pointer)
        return pointer

    def page_locked(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        array = page_aligned(shape)
        self._device.page_lock(array)
        self._arrays.append(array)
        return array

    def free(self) -> None:
        """Free everything; arrays stay valid for whoever still has them."""
        while self._pointers:
            self._device.free(self._pointers.pop())
        while self._arrays:
            self._device.page_unlock(self._arrays.pop())


class _FrameBuffers:
    """What depends on the frame's size."""

    def __init__(
        self, device: Device, stream: int, geometry: FrameGeometry, metadata: ModelMetadata
    ) -> None:
        self.geometry = geometry
        self.memory = _Memory(device)
        self.graphs: dict[tuple[ColorOrder, bool], int] = {}
        size = geometry.frame
        try:
            sampling = geometry.sampling(logit_grid(geometry.network), metadata.align_corners)
            pointers = []
            for table in frame_tables(geometry, sampling):
                staged = self.memory.page_locked((table.nbytes,))
                staged[:] = table.view(np.uint8)
                pointers.append(self.memory.allocate(table.nbytes))
                device.upload(pointers[-1], staged, stream)
            device.wait(stream)
            self.tables = TablePointers(*pointers)
            self.frame = self.memory.page_locked((*size, 3))
            self.on_device = self.memory.allocate(self.frame.nbytes)
            # labels behind their counts, confidence, detail: here and on the device
            shapes = ((LABELS_AT + size.height * size.width,), size, size)
            self.maps = [self.memory.page_locked(shape) for shape in shapes]
            self.maps_on_device = [self.memory.allocate(each.nbytes) for each in self.maps]
            self.labels = self.maps[0][LABELS_AT:].reshape(size)
        except BaseException:
            self.memory.free()
            raise


class FrameSlot:
    """Room for one frame at a time. The device has to be active at every call.

    :param backend: whose slot this is, for its errors.
    :param network: of this slot alone.
    :param size: of the network's input.
    :param detail: whether the network computes the detail logits.
    """

    def __init__(
        self,
        backend: str,
        device: Device,
        kernels: FrameKernels,
        network: Network,
        metadata: ModelMetadata,
        size: Size,
        detail: bool,
    ) -> None:
        self._backend = backend
        self._device = device
        self._kernels = kernels
        self._network = network
        self._metadata = metadata
        self._size = size
        self._detail = detail
        self._grid = logit_grid(size)
        self._classes = len(metadata.labels)
        self._frames: dict[Size, _FrameBuffers] = {}
        self._capture = device.has_graphs
        self._running: tuple[_FrameBuffers, bool, float, float] | None = None
        self._stream = device.create_stream()
        self._memory = _Memory(device)
        try:
            self._allocate()
        except BaseException:
            self.close()
            raise

    def _allocate(self) -> None:
        shape = (self._classes, *self._grid)
        self._host_image = self._memory.page_locked((*self._size, 3))
        self._host_logits = self._memory.page_locked((4, *shape)).reshape(-1)
        self._host_detail = self._memory.page_locked((4, *self._grid)).reshape(-1)
        self._image = self._memory.allocate(self._host_image.nbytes)
        self._logits = self._memory.allocate(self._host_logits.nbytes)
        self._detail_logits = self._memory.allocate(self._host_detail.nbytes)
        self._winners = self._memory.allocate(self._grid.height * self._grid.width)
        self._probability = self._memory.allocate(self._host_detail.nbytes)
        self._network.bind('image', self._image)
        self._network.bind('logits', self._logits)
        if self._detail:
            self._network.bind('detail', self._detail_logits)

    def submit(self, frame: NDArray[np.uint8], color_order: ColorOrder, confidence: bool) -> None:
        """Copy a frame and start to work on it; :meth:`collect` has to come before the next one.

        The first frame of a size, and of each kind of work, is done step by step, and the steps
        are recorded; later ones are one launch.
        """
        assert self._running is None
        start = time.perf_counter()
        buffers = self._buffers_for(Size(*frame.shape[:2]))
        np.copyto(buffers.frame, frame)
        staged = time.perf_counter()
        kind = (color_order, confidence)

        def enqueue() -> None:
            self._enqueue(buffers, color_order, confidence)

        if kind in buffers.graphs:
            self._device.launch_graph(buffers.graphs[kind], self._stream)
        else:
            self._step_by_step(enqueue)
            if self._capture:
                self._record(buffers, kind, enqueue)
        self._running = (buffers, confidence, start, staged)

    def collect(self) -> Segmentation:
        """Wait for the frame; the arrays are those of the frame before, written over.

        :raises EngineError: the network computed NaN or infinite values.
        """
        assert self._running is not None
        buffers, confidence, start, staged = self._running
        self._running = None
        self._device.wait(self._stream)
        done = time.perf_counter()
        counted_labels, confidence_map, detail = buffers.maps
        check_counts(self._backend, counted_labels, self._classes, self._grid)
        return Segmentation(
            labels=buffers.labels,
            confidence=confidence_map if confidence else None,
            detail=detail if self._detail else None,
            stage_ms=StageTimes(
                1e3 * (staged - start),
                1e3 * (done - staged),
                1e3 * (time.perf_counter() - done),
            ),
        )

    def run_network(self, image: NDArray[np.uint8]) -> NetworkOutput:
        """Run the network alone on uint8 RGB of its own size, and wait."""
        assert self._running is None
        np.copyto(self._host_image, image)

        def enqueue() -> None:
            self._device.upload(self._image, self._host_image, self._stream)
            self._network.enqueue(self._stream)
            self._device.download(self._host_logits, self._logits, self._stream)
            if self._detail:
                self._device.download(self._host_detail, self._detail_logits, self._stream)

        self._step_by_step(enqueue)
        self._device.wait(self._stream)
        logits: NDArray[np.float32] = self._host_logits.view(np.float32)
        detail: NDArray[np.float32] = self._host_detail.view(np.float32)
        return NetworkOutput(
            logits.reshape(self._classes, *self._grid),
            detail.reshape(self._grid) if self._detail else None,
        )

    def drop(self) -> None:
        """Wait for a frame that nobody wants any more."""
        if self._running is not None:
            self._running = None
            self._device.wait(self._stream)

    def close(self) -> None:
        """Wait for what runs and let go of everything; arrays given out stay valid."""
        if not self._stream:
            return
        try:
            self._device.wait(self._stream)
        finally:  # after an error of the device nothing more can be waited for
            self._forget_frames()
            self._memory.free()
            self._device.destroy_stream(self._stream)
            self._stream = 0

    def _enqueue(self, buffers: _FrameBuffers, color_order: ColorOrder, confidence: bool) -> None:
        device, kernels, stream, grid = self._device, self._kernels, self._stream, self._grid
        tables, size = buffers.tables, buffers.geometry.frame
        counts, confidence_map, detail = buffers.maps_on_device
        labels, detail_count = counts + LABELS_AT, counts + COUNTS // 2
        device.zero(counts, COUNTS, stream)
        device.upload(buffers.on_device, buffers.frame, stream)
        kernels.resize_frame(
            stream, buffers.on_device, buffers.geometry, tables, self._image, color_order
        )
        self._network.enqueue(stream)
        kernels.upsample_labels(
            stream, self._logits, self._classes, grid, self._winners, tables, labels, size, counts
        )
        if confidence:
            kernels.upsample_confidence(
                stream,
                self._logits,
                self._classes,
                grid,
                self._probability,
                tables,
                confidence_map,
                size,
            )
            device.download(buffers.maps[1], confidence_map, stream)
        if self._detail:
            kernels.upsample_detail(
                stream,
                self._detail_logits,
                grid,
                self._probability,
                tables,
                detail,
                size,
                detail_count,
            )
            device.download(buffers.maps[2], detail, stream)
        device.download(buffers.maps[0], counts, stream)  # last: all has been counted

    def _step_by_step(self, enqueue: Callable[[], Any]) -> None:
        """Enqueue; after an error wait for what was, so that no buffer is in use."""
        try:
            enqueue()
        except BaseException:
            self._device.wait(self._stream)
            raise

    def _record(
        self, buffers: _FrameBuffers, kind: tuple[ColorOrder, bool], enqueue: Callable[[], None]
    ) -> None:
        """Make the graph of the next frames; without one they go step by step, too."""
        self._device.wait(self._stream)
        try:
            buffers.graphs[kind] = self._device.capture(self._stream, enqueue)
        except (CudaError, EngineError) as error:
            self._capture = False
            logger.warning('no CUDA graph, every frame costs more time to launch: %s', error)

    def _buffers_for(self, size: Size) -> _FrameBuffers:
        if size not in self._frames:
            if len(self._frames) == MAX_FRAME_SIZES:
                self._forget_frames()
            geometry = FrameGeometry(size, self._size, self._metadata.resize)
            self._frames[size] = _FrameBuffers(
                self._device, self._stream, geometry, self._metadata
            )
        return self._frames[size]

    def _forget_frames(self) -> None:
        for buffers in self._frames.values():
            for graph in buffers.graphs.values():
                self._device.destroy_graph(graph)
            buffers.graphs.clear()
            buffers.memory.free()
        self._frames.clear()
