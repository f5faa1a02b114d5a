"""What every engine has in common: a frame in, a segmentation out."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from stdc_core import upsample
from stdc_core.engines.frame_buffers import FrameBuffers
from stdc_core.errors import InvalidArgumentError, UserError
from stdc_core.geometry import Size, check_color_order, check_frame
from stdc_core.labels import ColorOrder
from stdc_core.model_file import ModelFile, check_network_size
from stdc_core.upsample import (
    sigmoid,
    softmax_maximum,
    upsample_labels,
    upsample_map,
)

MAX_FRAME_SIZES = 8  # kept buffers, for several cameras; a flood of sizes starts anew
Precision = Literal['fp32', 'bf16', 'fp16']
PrecisionChoice = Literal['auto', Precision]  # auto: the backend's own

# Share of the self-check's pixels that must have the exported labels. Random weights lie too
# close to ties to be a gate.
MIN_AGREEMENT: dict[Precision, float] = {'fp32': 0.999, 'bf16': 0.99, 'fp16': 0.99}
# Kernels round int8 each in their own way: OpenVINO and ONNX Runtime agree on 99.8 to 99.9 % with
# the graph computed literally; kernels whose sums saturate agree on 85 %.
MIN_AGREEMENT_INT8 = 0.99


class EngineError(UserError, RuntimeError):
    """An engine that cannot be used; the message says why and what to do."""


class EngineUnavailableError(EngineError):
    """The backend is not installed, or cannot run on this machine what was asked for."""


class SelfCheckError(EngineError):
    """The engine's labels on the model file's self-check frame are not the exported ones."""


def not_finite(backend: str, count: int, total: int) -> EngineError:
    """Make the error for logits without an order: their labels would look like any others."""
    return EngineError(
        f'{backend} computed {count} of {total} values as NaN or infinite, expected finite ones: '
        'use another backend or precision, or test the memory of this machine'
    )


@dataclass(frozen=True)
class StageTimes:
    """How long one frame took in each stage, milliseconds of steady time."""

    resize: float  # to the network's input, colour order included; on a GPU the copy to its door
    network: float  # on a GPU everything that it does
    tail: float  # logits to labels, confidence and detail at the frame's size; on a GPU nothing

    @property
    def total(self) -> float:
        """All stages together."""
        return self.resize + self.network + self.tail


@dataclass(frozen=True)
class Segmentation:
    """What an engine makes of one frame of height H and width W.

    The arrays belong to the engine and are written over by its next call: copy what is kept.

    :param labels: uint8, class ids, shape (H, W).
    :param confidence: uint8, 255 for a softmax maximum of 1, shape (H, W); taken at the logits
        and upsampled bilinearly. None where it was not asked for.
    :param detail: uint8, 255 for a boundary probability of 1, shape (H, W); None where the engine
        was opened without.
    :param stage_ms: what it took.
    """

    labels: NDArray[np.uint8]
    confidence: NDArray[np.uint8] | None
    detail: NDArray[np.uint8] | None
    stage_ms: StageTimes


class NetworkOutput(NamedTuple):
    """Logits of one image; the arrays belong to the engine until its next call."""

    logits: NDArray[np.float32]  # (C, h, w), h = ceil(H / 8)
    detail: NDArray[np.float32] | None  # (h, w)


@dataclass(frozen=True)
class EngineInfo:
    """What an engine runs, on what.

    :param backend: e.g. ``openvino``.
    :param version: of the backend.
    :param device: the processor.
    :param precision: of the network's arithmetic, as the backend reports it; in an int8 model
        file that of the layers left in float.
    :param int8: whether the model file is an int8 one.
    :param size: of the network's input.
    :param threads: of the backend.
    :param detail: whether the detail map is computed.
    :param tail: ``numba``, ``numpy`` where numba is not installed, or ``cuda``.
    :param agreement: share of the self-check's pixels with the exported labels.
    :param reason: why this backend was chosen.
    """

    backend: str
    version: str
    device: str
    precision: Precision
    int8: bool
    size: Size
    threads: int
    detail: bool
    tail: str
    agreement: float
    reason: str

    @property
    def arithmetic(self) -> str:
        """The precision in words, int8 included."""
        return f'int8 and {self.precision}' if self.int8 else self.precision

    def __str__(self) -> str:
        return (
            f'{self.backend} {self.version} on {self.device}, {self.arithmetic}, '
            f'{self.size.height}x{self.size.width}, {self.threads} threads, tail {self.tail}, '
            f'self-check {self.agreement:.2%}; {self.reason}'
        )


class InferenceEngine(ABC):
    """Runs one model file at one input size; use it as a context manager.

    Made by :func:`stdc_core.engines.open_engine`. Not for two threads at a time. A backend opens
    its graph in :meth:`_open`, runs it in :meth:`_run` and lets go of it in :meth:`_close`; one
    that does the whole frame elsewhere than on the CPU has its own :meth:`_run_frame`, too.

    :param model: the model file.
    :param size: of the network's input, each side at least 64.
    :param precision: of the network's arithmetic; ``auto`` is the class's ``auto_precision``.
    :param threads: for the network, at least 1.
    :param detail: compute the detail map too.
    :param reason: why this backend was chosen, for :attr:`info`.
    :raises EngineError: the backend cannot do this, or fails its self-check.
    """

    backend: ClassVar[str]
    auto_precision: ClassVar[Precision] = 'fp32'  # on a GPU fp16

    def __init__(
        self,
        model: ModelFile,
        *,
        size: Size,
        precision: PrecisionChoice,
        threads: int,
        detail: bool,
        reason: str = 'asked for',
    ) -> None:
        if precision not in (known := get_args(PrecisionChoice)):
            raise InvalidArgumentError(
                f"unknown precision '{precision}' (known: {', '.join(known)})"
            )
        if threads < 1:
            raise InvalidArgumentError(f'threads is {threads}, expected at least 1')
        model.check_detail(detail)
        self.model = model
        self.size = check_network_size(size)
        self.precision: Precision = self.auto_precision if precision == 'auto' else precision
        self.threads = threads
        self.detail = detail
        self._image = np.empty((1, *size, 3), np.uint8)
        self._frame_buffers: dict[Size, FrameBuffers] = {}
        self._closed = False
        try:
            self._open()
            agreement = self._self_check()
        except UserError:
            self.close()
            raise
        except Exception as error:  # backends raise what they like
            self.close()
            reason = str(error).strip().split('\n')[0]
            raise EngineUnavailableError(
                f'{self.backend} cannot run {model.path} here: {type(error).__name__}: {reason}'
            ) from error
        version, device = self._describe()
        self.info = EngineInfo(
            self.backend,
            version,
            device,
            self.precision,
            model.metadata.int8,
            size,
            threads,
            detail,
            self._tail(),
            agreement,
            reason,
        )

    @abstractmethod
    def _open(self) -> None:
        """Compile ``self.model.static_graph(self.size, detail=self.detail)``."""

    @abstractmethod
    def _run(self, image: NDArray[np.uint8]) -> NetworkOutput:
        """Run the network on uint8 RGB of shape (1, *size*, 3), always ``self._image``."""

    def _run_frame(
        self, frame: NDArray[np.uint8], color_order: ColorOrder, confidence: bool
    ) -> Segmentation:
        """Resize, run and upsample one frame, here on the CPU."""
        start = time.perf_counter()
        buffers = self._buffers_for(Size(*frame.shape[:2]))
        buffers.geometry.resize(frame, self._image[0], color_order)
        resized = time.perf_counter()
        logits, detail_logits = self._run_checked()
        self._check_finite(logits, detail_logits)
        ran = time.perf_counter()
        upsample_labels(logits, buffers.sampling, buffers.labels)
        if confidence:
            upsample_map(softmax_maximum(logits), buffers.sampling, buffers.confidence)
        if detail_logits is not None:
            upsample_map(sigmoid(detail_logits), buffers.sampling, buffers.detail)
        done = time.perf_counter()
        return Segmentation(
            labels=buffers.labels,
            confidence=buffers.confidence if confidence else None,
            detail=None if detail_logits is None else buffers.detail,
            stage_ms=StageTimes(
                1e3 * (resized - start), 1e3 * (ran - resized), 1e3 * (done - ran)
            ),
        )

    def _tail(self) -> str:
        """Say what upsamples, for :attr:`info`."""
        return upsample.TAIL

    @abstractmethod
    def _close(self) -> None:
        """Let go of everything; also called after :meth:`_open` failed half-way."""

    @abstractmethod
    def _describe(self) -> tuple[str, str]:
        """Version of the backend, name of the device."""

    def infer(
        self,
        frame: NDArray[np.uint8],
        *,
        color_order: ColorOrder = 'bgr',
        confidence: bool = False,
    ) -> Segmentation:
        """Segment one frame of any size.

        :param frame: uint8, shape (H, W, 3), any strides; neither written nor kept.
        :param color_order: of the frame's channels.
        :param confidence: compute the confidence map too.
        :return: arrays that the next call writes over.
        :raises TypeError: the frame is no uint8 array.
        :raises ValueError: the frame has no three channels, or no pixels.
        :raises EngineError: the engine is closed, or computed NaN or infinite values.
        """
        self._check_frame(frame, color_order)
        return self._run_frame(frame, color_order, confidence)

    def infer_each(
        self,
        frames: Iterable[NDArray[np.uint8]],
        *,
        color_order: ColorOrder = 'bgr',
        confidence: bool = False,
    ) -> Iterator[Segmentation]:
        """Segment frames one after the other; a GPU takes the next one while it works on one.

        :param frames: as for :meth:`infer`.
        :return: in their order; the arrays are written over when the next one is asked for.
        :raises EngineError: as :meth:`infer`, in the frame's turn. None comes after it, and a GPU
            has taken one frame more by then.
        """
        for frame in frames:
            yield self.infer(frame, color_order=color_order, confidence=confidence)

    def run_network(self, image: NDArray[np.uint8]) -> NetworkOutput:
        """Run the network alone, on an image of its own size.

        :param image: uint8, RGB, shape (*size*, 3).
        :return: arrays that the next call writes over.
        """
        self._check_open()
        check_frame(image)
        if image.shape[:2] != self.size:
            raise ValueError(
                f'image is {Size(*image.shape[:2])}, this engine runs at {self.size}: use infer()'
            )
        np.copyto(self._image[0], image)
        return self._run_checked()

    def _run_checked(self) -> NetworkOutput:
        """Run the network; its file may promise other logits than it makes."""
        output = self._run(self._image)
        if (classes := len(output.logits)) != (known := len(self.model.metadata.labels)):
            raise EngineError(
                f'{self.model.path} makes logits of {classes} classes, its labels are {known}'
            )
        return output

    def close(self) -> None:
        """Free the engine; a second call does nothing."""
        if not self._closed:
            self._closed = True
            self._close()

    def __enter__(self) -> InferenceEngine:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _self_check(self) -> float:
        """Compare with the exported labels; also compiles the tail, so no frame has to wait.

        The labels hold for the model's default size. An engine of another size opens a second
        one for a moment.
        """
        check = self.model.metadata.self_check
        labels = self.infer(check.frame, color_order='rgb', confidence=True).labels
        if self.size == self.model.metadata.default_size:
            agreement = check.agreement(labels)
        else:
            agreement = self._agreement_elsewhere(labels)
        wanted = MIN_AGREEMENT[self.precision]
        if self.model.metadata.int8:
            wanted = min(wanted, MIN_AGREEMENT_INT8)
        if self.model.metadata.trained and agreement < wanted:
            raise SelfCheckError(
                f'{self.backend} at {self.precision} is wrong for {self.model.path}: its labels '
                f'on the self-check frame agree on {agreement:.2%}, expected at least '
                f'{wanted:.2%}: use another backend or precision'
            )
        return agreement

    def _agreement_elsewhere(self, labels: NDArray[np.uint8]) -> float:
        """Agreement at another size than the default one.

        :param labels: of the self-check frame, at this engine's size.
        """
        with type(self)(
            self.model,
            size=self.model.metadata.default_size,
            precision=self.precision,
            threads=self.threads,
            detail=False,
        ) as engine:
            return engine.info.agreement

    def _buffers_for(self, frame_size: Size) -> FrameBuffers:
        if frame_size not in self._frame_buffers:
            if len(self._frame_buffers) == MAX_FRAME_SIZES:
                self._frame_buffers.clear()
            self._frame_buffers[frame_size] = FrameBuffers.of(
                frame_size, self.size, self.model.metadata
            )
        return self._frame_buffers[frame_size]

    def _check_frame(self, frame: NDArray[np.uint8], color_order: ColorOrder) -> None:
        self._check_open()
        check_frame(frame)
        check_color_order(color_order)

    def _check_finite(self, *outputs: NDArray[np.float32] | None) -> None:
        for values in outputs:
            if values is not None and not np.isfinite(values).all():
                count = int(np.count_nonzero(~np.isfinite(values)))
                raise not_finite(self.backend, count, values.size)

    def _check_open(self) -> None:
        if self._closed:
            raise EngineError(f'this {self.backend} engine is closed: open another one')
