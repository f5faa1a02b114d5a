"""Resize and tail around a torch network: by the kernels that ship, or in plain operations."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from stdc_core.cuda.frame_kernels import FrameKernels, TablePointers
from stdc_core.cuda.tables import FrameTables, frame_tables
from stdc_core.engines import torch_frame
from stdc_core.geometry import FrameGeometry, Size
from stdc_core.labels import ColorOrder
from stdc_core.model_file import ModelMetadata, logit_grid

logger = logging.getLogger(__name__)


class Tail(Protocol):
    """Work on torch's current stream; nothing waits.

    Tables are the tail's own, of one frame size.
    """

    name: str

    def tables(self, tables: FrameTables) -> Any:
        """Copy tables to the device."""

    def resize(
        self,
        frame: Tensor,
        geometry: FrameGeometry,
        tables: Any,
        image: Tensor,
        color_order: ColorOrder,
    ) -> None:
        """Frame uint8 (H, W, 3) to the network's input, uint8 RGB (1, h, w, 3)."""

    def labels(self, logits: Tensor, tables: Any, out: Tensor, not_finite: Tensor) -> None:
        """Logits float32 (C, h, w), contiguous, to labels uint8 (H, W).

        :param not_finite: int32, shape (1,); the number of logits that are NaN or infinite is
            added to it.
        """

    def confidence(self, logits: Tensor, tables: Any, out: Tensor) -> None:
        """Logits float32 (C, h, w), contiguous, to the confidence map uint8 (H, W)."""

    def detail(self, logits: Tensor, tables: Any, out: Tensor, not_finite: Tensor) -> None:
        """Detail logits float32 (h, w), contiguous, to the detail map uint8 (H, W).

        :param not_finite: as for :meth:`labels`.
        """

    def close(self) -> None:
        """Let go of everything."""


class TorchTail:
    """In plain torch operations, on any device."""

    name = 'torch'

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def tables(self, tables: FrameTables) -> torch_frame.Axes:
        """See :class:`Tail`."""
        return torch_frame.Axes.of(tables, self._device)

    def resize(
        self,
        frame: Tensor,
        geometry: FrameGeometry,
        tables: torch_frame.Axes,
        image: Tensor,
        color_order: ColorOrder,
    ) -> None:
        """See :class:`Tail`."""
        torch_frame.resize_frame(frame, geometry, tables, image[0], color_order)

    def labels(
        self, logits: Tensor, tables: torch_frame.Axes, out: Tensor, not_finite: Tensor
    ) -> None:
        """See :class:`Tail`."""
        not_finite.add_(torch_frame.count_not_finite(logits))
        out.copy_(torch_frame.upsample_labels(logits, tables))

    def confidence(self, logits: Tensor, tables: torch_frame.Axes, out: Tensor) -> None:
        """See :class:`Tail`."""
        out.copy_(torch_frame.upsample_map(torch_frame.softmax_maximum(logits), tables))

    def detail(
        self, logits: Tensor, tables: torch_frame.Axes, out: Tensor, not_finite: Tensor
    ) -> None:
        """See :class:`Tail`."""
        not_finite.add_(torch_frame.count_not_finite(logits))
        out.copy_(torch_frame.upsample_map(logits.sigmoid(), tables))

    def close(self) -> None:
        """See :class:`Tail`."""


class _KernelTables(NamedTuple):
    memory: tuple[Tensor, ...]
    pointers: TablePointers


class KernelTail:
    """By the kernels that ship, started by cuda-bindings in torch's context.

    :raises ImportError: cuda-bindings is not installed.
    :raises CudaError: the driver does not take the kernels.
    """

    name = 'cuda'

    def __init__(self, device: torch.device) -> None:
        from stdc_core.cuda.bindings_device import BindingsDevice

        self._torch_device = device
        self._device = BindingsDevice(torch.cuda.current_device())
        try:
            with self._device.activate():
                self._kernels = FrameKernels(self._device)
        except BaseException:
            self._device.close()
            raise
        self._scratch: dict[Size, tuple[Tensor, Tensor]] = {}

    def tables(self, tables: FrameTables) -> _KernelTables:
        """See :class:`Tail`."""
        memory = tuple(
            torch.from_numpy(np.ascontiguousarray(table).view(np.uint8)).to(self._torch_device)
            for table in tables
        )
        return _KernelTables(memory, TablePointers(*(each.data_ptr() for each in memory)))

    def resize(
        self,
        frame: Tensor,
        geometry: FrameGeometry,
        tables: _KernelTables,
        image: Tensor,
        color_order: ColorOrder,
    ) -> None:
        """See :class:`Tail`."""
        with self._device.activate():
            self._kernels.resize_frame(
                _stream(),
                frame.data_ptr(),
                geometry,
                tables.pointers,
                image.data_ptr(),
                color_order,
            )

    def labels(
        self, logits: Tensor, tables: _KernelTables, out: Tensor, not_finite: Tensor
    ) -> None:
        """See :class:`Tail`."""
        classes, grid = _shape(logits)
        winners, _ = self._scratch_for(grid)
        with self._device.activate():
            self._kernels.upsample_labels(
                _stream(),
                logits.data_ptr(),
                classes,
                grid,
                winners.data_ptr(),
                tables.pointers,
                out.data_ptr(),
                Size(*out.shape),
                not_finite.data_ptr(),
            )

    def confidence(self, logits: Tensor, tables: _KernelTables, out: Tensor) -> None:
        """See :class:`Tail`."""
        classes, grid = _shape(logits)
        _, probability = self._scratch_for(grid)
        with self._device.activate():
            self._kernels.upsample_confidence(
                _stream(),
                logits.data_ptr(),
                classes,
                grid,
                probability.data_ptr(),
                tables.pointers,
                out.data_ptr(),
                Size(*out.shape),
            )

    def detail(
        self, logits: Tensor, tables: _KernelTables, out: Tensor, not_finite: Tensor
    ) -> None:
        """See :class:`Tail`."""
        _, grid = _shape(logits[None])
        _, probability = self._scratch_for(grid)
        with self._device.activate():
            self._kernels.upsample_detail(
                _stream(),
                logits.data_ptr(),
                grid,
                probability.data_ptr(),
                tables.pointers,
                out.data_ptr(),
                Size(*out.shape),
                not_finite.data_ptr(),
            )

    def close(self) -> None:
        """See :class:`Tail`."""
        self._scratch.clear()
        self._device.close()

    def _scratch_for(self, grid: Size) -> tuple[Tensor, Tensor]:
        """Winners and probabilities; made before a capture, kept, so that graphs can use them."""
        if grid not in self._scratch:
            winners = torch.empty(grid, dtype=torch.uint8, device=self._torch_device)
            probability = torch.empty(grid, dtype=torch.float32, device=self._torch_device)
            self._scratch[grid] = (winners, probability)
        return self._scratch[grid]


def open_tail(device: torch.device) -> Tail:
    """Take the kernels where they can be started, else plain operations, and say why."""
    if device.type != 'cuda':
        return TorchTail(device)
    try:
        return KernelTail(device)
    except (ImportError, RuntimeError) as error:
        logger.warning('resize and tail in plain torch operations, which cost more: %s', error)
        return TorchTail(device)


def tables_of(geometry: FrameGeometry, metadata: ModelMetadata) -> FrameTables:
    """Make the tables of a frame size."""
    grid = logit_grid(geometry.network)
    return frame_tables(geometry, geometry.sampling(grid, metadata.align_corners))


def _stream() -> int:
    return int(torch.cuda.current_stream().cuda_stream)


def _shape(logits: Tensor) -> tuple[int, Size]:
    assert logits.dtype == torch.float32
    assert logits.is_contiguous()
    classes, height, width = logits.shape
    return classes, Size(height, width)
