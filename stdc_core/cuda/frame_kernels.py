"""The kernels of ``kernels.cu``, each as a method: pointers and sizes in, nothing waited for."""

from __future__ import annotations

from typing import NamedTuple

from stdc_core.cuda.device import Device
from stdc_core.cuda.ptx import read_ptx
from stdc_core.geometry import PADDING_RGB, FrameGeometry, Size
from stdc_core.labels import ColorOrder

TILE = (32, 8)  # threads of a block, x first: a warp writes neighbouring bytes
LINE = 128
PADDING = PADDING_RGB[0] << 16 | PADDING_RGB[1] << 8 | PADDING_RGB[2]


class TablePointers(NamedTuple):
    """Where the tables of :func:`stdc_core.cuda.tables.frame_tables` lie on the device."""

    resize_rows: int
    resize_columns: int
    rows: int
    columns: int


class FrameKernels:
    """Starts kernels on a stream of the device; all pointers are to its memory.

    :param device: active when this is made and at every call.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._kernels = device.load(read_ptx())

    def resize_frame(
        self,
        stream: int,
        frame: int,
        geometry: FrameGeometry,
        tables: TablePointers,
        image: int,
        color_order: ColorOrder,
    ) -> None:
        """Resize a frame to the network's input, as :meth:`FrameGeometry.resize` does.

        :param frame: uint8, shape (*geometry.frame*, 3), contiguous.
        :param image: uint8, RGB, shape (*geometry.network*, 3); written over.
        """
        self._tiles(
            'resize_frame',
            stream,
            geometry.network,
            frame,
            3 * geometry.frame.width,
            tables.resize_rows,
            tables.resize_columns,
            image,
            *geometry.network,
            *geometry.content,
            int(color_order == 'bgr'),
            PADDING,
        )

    def upsample_labels(
        self,
        stream: int,
        logits: int,
        classes: int,
        grid: Size,
        winners: int,
        tables: TablePointers,
        labels: int,
        size: Size,
        not_finite: int,
    ) -> None:
        """Compute labels, as :func:`stdc_core.upsample.upsample_labels` does.

        :param logits: float32, shape (classes, *grid*).
        :param winners: uint8, shape (*grid*); written over.
        :param labels: uint8, shape (*size*); written over.
        :param not_finite: uint32; the number of logits that are NaN or infinite is added to it.
        """
        positions = grid.height * grid.width
        self._line(
            'find_winners', stream, positions, logits, classes, positions, winners, not_finite
        )
        self._tiles(
            'upsample_labels',
            stream,
            size,
            logits,
            winners,
            classes,
            *grid,
            tables.rows,
            tables.columns,
            labels,
            *size,
        )

    def upsample_confidence(
        self,
        stream: int,
        logits: int,
        classes: int,
        grid: Size,
        probability: int,
        tables: TablePointers,
        out: int,
        size: Size,
    ) -> None:
        """Compute the confidence map, within one step of the CPU's.

        :param probability: float32, shape (*grid*); written over.
        :param out: uint8, shape (*size*); written over.
        """
        positions = grid.height * grid.width
        self._line('softmax_maximum', stream, positions, logits, classes, positions, probability)
        self._upsample_map(stream, probability, grid, tables, out, size)

    def upsample_detail(
        self,
        stream: int,
        logits: int,
        grid: Size,
        probability: int,
        tables: TablePointers,
        out: int,
        size: Size,
        not_finite: int,
    ) -> None:
        """Compute the detail map of its logits, within one step of the CPU's.

        :param not_finite: as for :meth:`upsample_labels`.
        """
        positions = grid.height * grid.width
        self._line('sigmoid', stream, positions, logits, positions, probability, not_finite)
        self._upsample_map(stream, probability, grid, tables, out, size)

    def _upsample_map(
        self, stream: int, values: int, grid: Size, tables: TablePointers, out: int, size: Size
    ) -> None:
        self._tiles(
            'upsample_map',
            stream,
            size,
            values,
            grid.width,
            tables.rows,
            tables.columns,
            out,
            *size,
        )

    def _tiles(self, name: str, stream: int, size: Size, *arguments: int) -> None:
        blocks = (-(-size.width // TILE[0]), -(-size.height // TILE[1]))
        self._device.launch(self._kernels[name], blocks, TILE, stream, arguments)

    def _line(self, name: str, stream: int, count: int, *arguments: int) -> None:
        blocks = (-(-count // LINE), 1)
        self._device.launch(self._kernels[name], blocks, (LINE, 1), stream, arguments)
