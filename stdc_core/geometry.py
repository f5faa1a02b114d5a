"""Where a camera pixel lies in the network's input, and where that lies between its logits.

The one definition of exact labels: a camera pixel is mapped through the inverse of the model
file's resize to network coordinates, and the logits are sampled there once, bilinearly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.labels import ColorOrder

ResizeMode = Literal['stretch', 'letterbox']
RESIZE_MODES: tuple[ResizeMode, ...] = ('stretch', 'letterbox')

PADDING_RGB = (124, 116, 104)  # ImageNet's mean: the network sees about 0 there


class Size(NamedTuple):
    """Height and width in pixels (or logits), in the order of an array's shape."""

    height: int
    width: int

    def __str__(self) -> str:
        return f'{self.height}x{self.width}'


class Rectangle(NamedTuple):
    """Part of an image, in pixels."""

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True)
class FrameGeometry:
    """The way from a camera frame to the network's input and back.

    :param frame: size of the camera frame.
    :param network: size of the network's input.
    :param mode: ``stretch`` fills the input; ``letterbox`` keeps the aspect ratio and pads.
    """

    frame: Size
    network: Size
    mode: ResizeMode

    def __post_init__(self) -> None:
        if self.mode not in RESIZE_MODES:
            raise ValueError(f"unknown resize '{self.mode}' (known: {', '.join(RESIZE_MODES)})")

    @cached_property
    def content(self) -> Rectangle:
        """The part of the network's input that the frame fills."""
        if self.mode == 'stretch':
            return Rectangle(0, 0, *self.network)
        scale = min(self.network.height / self.frame.height, self.network.width / self.frame.width)
        height = max(1, min(round(self.frame.height * scale), self.network.height))
        width = max(1, min(round(self.frame.width * scale), self.network.width))
        return Rectangle(
            (self.network.height - height) // 2, (self.network.width - width) // 2, height, width
        )

    def resize(
        self, frame: NDArray[np.uint8], out: NDArray[np.uint8], color_order: ColorOrder
    ) -> None:
        """Resize a frame bilinearly to the network's input.

        :param frame: uint8, shape (*frame*, 3), in ``color_order``, any strides.
        :param out: uint8, RGB, shape (*network*, 3), contiguous; written over.
        """
        check_color_order(color_order)
        top, left, height, width = self.content
        content = out[top : top + height, left : left + width]
        same = (height, width) == self.frame
        resized = frame if same else cv2.resize(frame, (width, height))
        if color_order == 'bgr':
            cv2.cvtColor(resized, cv2.COLOR_BGR2RGB, dst=content)
        else:
            np.copyto(content, resized)
        if (height, width) != self.network:
            out[:top] = out[top + height :] = PADDING_RGB
            out[:, :left] = out[:, left + width :] = PADDING_RGB

    def sampling(self, grid: Size, align_corners: bool) -> GridSampling:
        """Where between the logits each camera pixel lies.

        :param grid: height and width of the logits.
        :param align_corners: whether the logits' outermost centres are those of the network's
            pixels (True, as the paper's code has it) or its cells' edges coincide (False).
        """
        top, left, height, width = self.content
        return GridSampling(
            grid=grid,
            rows=_sample_axis(
                self.frame.height, top, height, self.network.height, grid.height, align_corners
            ),
            columns=_sample_axis(
                self.frame.width, left, width, self.network.width, grid.width, align_corners
            ),
        )


def check_frame(frame: NDArray[np.uint8]) -> None:
    """Refuse what is no picture of three channels.

    :raises TypeError: it is no uint8 array.
    :raises ValueError: its shape is not (H, W, 3), or without a pixel.
    """
    if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8:
        came = getattr(frame, 'dtype', type(frame).__name__)
        raise TypeError(f'frame is {came}, expected a uint8 array of shape (H, W, 3)')
    if frame.ndim != 3 or frame.shape[2] != 3 or 0 in frame.shape:
        raise ValueError(
            f'frame has shape {frame.shape}, expected (H, W, 3) with at least one pixel'
        )


def check_color_order(color_order: str) -> None:
    """Refuse what is no order of channels.

    :raises ValueError: it is neither rgb nor bgr.
    """
    if color_order not in ('rgb', 'bgr'):
        raise ValueError(f"unknown color_order '{color_order}' (known: rgb, bgr)")


class AxisSampling(NamedTuple):
    """Linear interpolation along one axis: position i takes ``lower[i]`` and its successor.

    ``starts`` turns it round for cell skipping: the positions between logits g and g + 1 are
    ``starts[g]`` to ``starts[g + 1]`` (exclusive).
    """

    lower: NDArray[np.intp]  # (n,), non-decreasing
    upper: NDArray[np.intp]  # (n,), lower + 1; on an axis of one logit 0
    lower_weight: NDArray[np.float32]  # (n,)
    upper_weight: NDArray[np.float32]  # (n,), 1 - lower_weight
    starts: NDArray[np.intp]  # (cells + 1,)


class GridSampling(NamedTuple):
    """Bilinear sampling of a grid of logits at every pixel of a frame."""

    grid: Size
    rows: AxisSampling
    columns: AxisSampling

    @property
    def size(self) -> Size:
        """Of the frame."""
        return Size(len(self.rows.lower), len(self.columns.lower))


def _sample_axis(
    frame: int, content_start: int, content: int, network: int, grid: int, align_corners: bool
) -> AxisSampling:
    """Place ``frame`` camera pixels between ``grid`` logits along one axis, in float64."""
    pixels = np.arange(frame, dtype=np.float64)
    in_network = content_start + (pixels + 0.5) * (content / frame) - 0.5
    if align_corners:
        position = in_network * ((grid - 1) / max(network - 1, 1))
    else:
        position = (in_network + 0.5) * (grid / network) - 0.5
    position = position.clip(0, grid - 1)
    cells = max(grid - 1, 1)
    lower = np.minimum(position.astype(np.intp), cells - 1)
    upper_weight = (position - lower).astype(np.float32)
    return AxisSampling(
        lower=lower,
        upper=np.minimum(lower + 1, grid - 1),
        lower_weight=np.float32(1) - upper_weight,
        upper_weight=upper_weight,
        starts=np.searchsorted(lower, np.arange(cells + 1)),
    )
