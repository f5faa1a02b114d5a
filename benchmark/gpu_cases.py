"""What benchmark/gpu.py times: the authors' way, our networks, torch.compile, whole frames."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import numpy as np
import torch
from gpu_timing import Call, synchronize
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from stdc_core.engines import InferenceEngine
from stdc_core.engines.torch import load_network
from stdc_core.geometry import Size
from stdc_core.model_file import ModelFile
from stdc_core.networks import STDCSeg, STDCSegConfig
from stdc_core.networks.model_graph import IMAGENET_MEAN, IMAGENET_STD, ModelGraph

WARM_UP_RUNS = 3  # before a capture: cuDNN tries its kernels in the first
Mode = Literal['eager', 'graph']
AUTHORS = 'torch eager fp32 (authors)'


class AuthorsOnGpu:
    """As the authors' code does it: eager, fp32, NCHW, batch norm as it is, upsample, argmax.

    As in their latency script cuDNN looks for its fastest kernels (:func:`let_rivals_choose`), and
    by torch's default convolutions use TF32. The channels' order is changed on the GPU, which is
    faster than their way.

    :param size: of the network's input.
    """

    def __init__(self, model: ModelFile, size: Size, batch: int, device: torch.device) -> None:
        network = STDCSeg(STDCSegConfig(**model.metadata.architecture)).eval()
        network.aux8_head = network.aux16_head = network.detail_head = None
        self._network = network.to(device)
        self._device, self._size = device, size
        self._mean = torch.tensor(IMAGENET_MEAN, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(IMAGENET_STD, device=device).view(1, 3, 1, 1)
        self._image = torch.rand(batch, 3, *size, device=device)

    @torch.inference_mode()
    def network(self) -> None:
        """Normalised image to logits."""
        self._network(self._image)

    @torch.inference_mode()
    def whole_frames(self, frames: NDArray[np.uint8]) -> Tensor:
        """BGR frames (N, H, W, 3) on the host to labels (N, H, W) on the host, all at once."""
        rgb = torch.from_numpy(frames).to(self._device).flip(3)
        image = rgb.permute(0, 3, 1, 2).float().div(255)
        image = (image - self._mean) / self._std
        if Size(*image.shape[2:]) != self._size:
            image = functional.interpolate(image, self._size, mode='bilinear', align_corners=True)
        logits = self._network(image).logits
        full = functional.interpolate(
            logits, frames.shape[1:3], mode='bilinear', align_corners=True
        )
        return full.argmax(dim=1).to(torch.uint8).cpu()


class NetworkAlone:
    """The file's network: uint8 image on the device to logits, folded, channels last.

    :param mode: ``eager``, or ``graph`` (a CUDA graph of it, as the torch-cuda engine has).
    """

    def __init__(
        self,
        model: ModelFile,
        size: Size,
        batch: int,
        device: torch.device,
        dtype: torch.dtype,
        mode: Mode,
    ) -> None:
        self._module = network_of(model, device, dtype)
        self.image = torch.randint(0, 256, (batch, *size, 3), dtype=torch.uint8, device=device)
        self._replay: Call | None = None
        self.logits = torch.empty(0)
        if mode == 'graph':
            with torch.inference_mode(), exact_convolutions(device):
                self._replay = recorded(self._step, device)

    @torch.inference_mode()
    def run(self) -> None:
        """Run it once."""
        if self._replay is not None:
            self._replay()
        else:
            self._step()

    def _step(self) -> None:
        self.logits = self._module(self.image)[0]


class Compiled:
    """``torch.compile`` of the file's network and of upsampling, in CUDA graphs.

    Every shape is compiled as if it were the only one: what was compiled before is forgotten,
    since torch makes shapes dynamic where it sees a second one.
    """

    def __init__(
        self,
        model: ModelFile,
        size: Size,
        batch: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        torch._dynamo.reset()
        # A dry run has no C++ compiler to wait for.
        backend = 'inductor' if device.type == 'cuda' else 'eager'
        self._network = torch.compile(
            network_of(model, device, dtype), dynamic=False, fullgraph=True, backend=backend
        )
        self._labels_of = torch.compile(
            _upsampled_labels, dynamic=False, fullgraph=True, backend=backend
        )
        self._device, self._size = device, tuple(size)
        self._image = torch.randint(0, 256, (batch, *size, 3), dtype=torch.uint8, device=device)
        page_locked = device.type == 'cuda'
        self._host_frames = torch.empty(
            (batch, *size, 3), dtype=torch.uint8, pin_memory=page_locked
        )
        self._host_labels = torch.empty((batch, *size), dtype=torch.uint8, pin_memory=page_locked)
        self._frames = torch.empty_like(self._image)
        self._labels = torch.empty(0)
        start = time.monotonic()
        with torch.no_grad():
            self.network = recorded(self._network_alone, device)
            self._replay = recorded(self._steps, device)
        self.compile_s = round(time.monotonic() - start, 1)

    @torch.no_grad()
    def whole_frames(self, frames: NDArray[np.uint8]) -> Tensor:
        """BGR frames (N, H, W, 3) of the network's size to labels (N, H, W), on the host."""
        np.copyto(self._host_frames.numpy(), frames)
        self._frames.copy_(self._host_frames, non_blocking=True)
        self._replay()
        self._host_labels.copy_(self._labels, non_blocking=True)
        synchronize(self._device)
        return self._host_labels

    @torch.no_grad()
    def _network_alone(self) -> None:
        self._network(self._image)

    def _steps(self) -> None:
        logits = self._network(self._frames.flip(3))[0]
        self._labels = self._labels_of(logits, self._size)


def _upsampled_labels(logits: Tensor, size: tuple[int, ...]) -> Tensor:
    full = functional.interpolate(logits, size, mode='bilinear', align_corners=True)
    return full.argmax(dim=1).to(torch.uint8)


def network_of(model: ModelFile, device: torch.device, dtype: torch.dtype) -> ModelGraph:
    """Load the file's network as the torch-cuda engine does."""
    module = ModelGraph(load_network(model, detail=False), dtype).eval()
    module.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return module


def recorded(step: Call, device: torch.device) -> Call:
    """Warm up and record in a CUDA graph; the step itself where there is no CUDA."""
    for _ in range(WARM_UP_RUNS):
        step()
    if device.type != 'cuda':
        return step
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode='thread_local'):
        step()
    return graph.replay


def exact_convolutions(device: torch.device) -> AbstractContextManager[None]:
    """fp32 without TF32; cuDNN looks for its fastest kernels."""
    if device.type != 'cuda':
        return nullcontext()
    return torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False)


def let_rivals_choose() -> None:
    """Let cuDNN look for its fastest kernels wherever nobody says otherwise."""
    torch.backends.cudnn.benchmark = True


def whole_frames(engine: InferenceEngine, frames: Sequence[NDArray[np.uint8]]) -> Call:
    """Run an engine over frames in turn, the next one each call."""
    number = 0

    def call() -> None:
        nonlocal number
        engine.infer(frames[number % len(frames)])
        number += 1

    return call


def frames_in_turn(
    engine: InferenceEngine, frames: Sequence[NDArray[np.uint8]], batch: int
) -> Call:
    """Run an engine over so many frames one after the other, as it overlaps them."""
    chosen = batch_of(frames, batch)
    return lambda: [None for _ in engine.infer_each(chosen)]


def batch_of(frames: Sequence[NDArray[np.uint8]], batch: int) -> NDArray[np.uint8]:
    """As many frames as a batch has, (N, H, W, 3)."""
    return np.stack([frames[number % len(frames)] for number in range(batch)])
