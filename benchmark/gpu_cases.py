"""What benchmark/gpu.py times: each a function without arguments that ends when its work does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from stdc_core.engines import InferenceEngine
from stdc_core.engines.torch import load_network
from stdc_core.geometry import Size
from stdc_core.model_file import ModelFile
from stdc_core.networks import STDCSeg, STDCSegConfig
from stdc_core.networks.model_graph import IMAGENET_MEAN, IMAGENET_STD, ModelGraph

Call = Callable[[], object]


class AuthorsOnGpu:
    """As the authors' code does it: eager, fp32, NCHW, batch norm as it is, upsample, argmax.

    Torch's own default lets convolutions use TF32; the report says what was set.

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
    def whole_frames(self, frames: Sequence[NDArray[np.uint8]]) -> Tensor:
        """BGR frames on the host to labels on the host, all at once."""
        rgb = np.stack([cv2.cvtColor(frame, cv2.COLOR_BGR2RGB) for frame in frames])
        image = torch.from_numpy(rgb).to(self._device).permute(0, 3, 1, 2).float().div(255)
        image = (image - self._mean) / self._std
        if image.shape[2:] != self._size:
            image = functional.interpolate(image, self._size, mode='bilinear', align_corners=True)
        logits = self._network(image).logits
        full = functional.interpolate(
            logits, frames[0].shape[:2], mode='bilinear', align_corners=True
        )
        return full.argmax(dim=1).to(torch.uint8).cpu()


class NetworkAlone:
    """The file's network: uint8 image on the device to logits, folded, channels last.

    :param mode: ``eager``, ``graph`` (a CUDA graph of it) or ``compiled`` (torch.compile).
    """

    def __init__(
        self,
        model: ModelFile,
        size: Size,
        batch: int,
        device: torch.device,
        dtype: torch.dtype,
        mode: str,
    ) -> None:
        module = ModelGraph(load_network(model, detail=False), dtype).eval()
        module.to(device, memory_format=torch.channels_last)
        self.image = torch.randint(0, 256, (batch, *size, 3), dtype=torch.uint8, device=device)
        self._module: Callable[[Tensor], tuple[Tensor, Tensor | None]] = module
        self._graph: torch.cuda.CUDAGraph | None = None
        self.logits = torch.empty(0)
        with torch.inference_mode(), exact_convolutions(device):
            if mode == 'compiled':
                # A dry run has no C++ compiler to wait for.
                how = {} if device.type == 'cuda' else {'backend': 'eager'}
                self._module = torch.compile(module, **how)
            for _ in range(3):
                self.run()
            if mode != 'eager' and device.type == 'cuda':
                torch.cuda.synchronize()
                self._graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(self._graph):
                    self.logits = self._module(self.image)[0]

    @torch.inference_mode()
    def run(self) -> None:
        """Run it once."""
        if self._graph is not None:
            self._graph.replay()
        else:
            self.logits = self._module(self.image)[0]


def exact_convolutions(device: torch.device) -> AbstractContextManager[None]:
    """fp32 without TF32; cuDNN looks for its fastest kernels."""
    if device.type != 'cuda':
        return nullcontext()
    return torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False)


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
    chosen = [frames[number % len(frames)] for number in range(batch)]
    return lambda: [None for _ in engine.infer_each(chosen)]
