"""What the GPU can do at best, and what the network needs at least."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import torch
from gpu_timing import time_events

from stdc_core.geometry import Size
from stdc_core.model_file import ModelFile, logit_grid

COPY_BYTES = 1 << 32
FRAME_BYTES = 1 << 26  # of the copies from and to the host
MATRIX = 8192


@dataclass(frozen=True)
class Ceilings:
    """What this GPU reaches where nothing else is in the way.

    :param copy_gb_a_second: on the device, bytes read and bytes written.
    :param half_tflop_a_second: of a large matrix product.
    :param upload_gb_a_second: from page-locked memory.
    """

    copy_gb_a_second: float
    half_tflop_a_second: float
    upload_gb_a_second: float
    download_gb_a_second: float


@dataclass(frozen=True)
class Needs:
    """What a frame of the network's size needs at least.

    :param gmacs: multiply-accumulates of all convolutions, in 10^9.
    :param weights_mb: in half.
    :param image_and_logits_mb: uint8 in, half out, each once.
    :param frame_mb: uint8 BGR.
    :param labels_mb: uint8.
    """

    gmacs: float
    weights_mb: float
    image_and_logits_mb: float
    frame_mb: float
    labels_mb: float


@dataclass(frozen=True)
class Floors:
    """Milliseconds that nothing in half can be much under on this GPU.

    :param network_bytes_ms: weights once a batch; what layers write for the next is not in it.
    :param frame_copies_ms: frames to the GPU and labels back, not overlapped.
    """

    batch: int
    arithmetic_ms: float
    network_bytes_ms: float
    frame_copies_ms: float


def describe(device: torch.device) -> dict[str, Any]:
    """Name, driver and versions."""
    facts: dict[str, Any] = {'torch': torch.__version__, 'device': str(device)}
    if device.type == 'cuda':
        properties = torch.cuda.get_device_properties(device)
        facts |= {
            'gpu': properties.name,
            'compute_capability': f'{properties.major}.{properties.minor}',
            'multiprocessors': properties.multi_processor_count,
            'memory_gib': round(properties.total_memory / 2**30, 1),
            'cuda': torch.version.cuda,
            'cudnn': torch.backends.cudnn.version(),
            'tf32_in_convolutions_by_default': torch.backends.cudnn.allow_tf32,
        }
        query = ['nvidia-smi', '--query-gpu=driver_version,clocks.sm', '--format=csv,noheader']
        try:
            facts['driver'] = subprocess.run(
                query, capture_output=True, text=True, timeout=20
            ).stdout.strip()
        except OSError as error:
            facts['driver'] = f'not asked: {error}'
    return facts


def ceilings(device: torch.device, *, dry: bool) -> Ceilings:
    """Measure copies and a large matrix product in half."""
    size, frame, side = (1 << 20, 1 << 16, 256) if dry else (COPY_BYTES, FRAME_BYTES, MATRIX)
    on_gpu = device.type == 'cuda'
    dtype = torch.float16 if on_gpu else torch.float32
    source = torch.randint(0, 256, (size,), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    host = torch.empty(frame, dtype=torch.uint8, pin_memory=on_gpu)
    host.random_(0, 256)

    def upload() -> None:
        target[:frame].copy_(host, non_blocking=True)

    def download() -> None:
        host.copy_(target[:frame], non_blocking=True)

    works = (lambda: target.copy_(source), lambda: a @ b, upload, download)
    copy, product, up, down = (
        float(np.median(time_events(work, device, seconds=1.5, most=50))) for work in works
    )
    return Ceilings(
        copy_gb_a_second=_digits(2 * size / copy / 1e6),
        half_tflop_a_second=_digits(2 * side**3 / product / 1e9),
        upload_gb_a_second=_digits(frame / up / 1e6),
        download_gb_a_second=_digits(frame / down / 1e6),
    )


def needs(model: ModelFile, size: Size) -> Needs:
    """Count in the graph of the model file."""
    proto = onnx.load_model_from_string(model.static_graph(size, detail=False))
    proto = onnx.shape_inference.infer_shapes(proto)
    shapes = {
        value.name: [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        for value in (*proto.graph.value_info, *proto.graph.output)
    }
    weights = {tensor.name: list(tensor.dims) for tensor in proto.graph.initializer}
    macs = 0
    for node in proto.graph.node:
        if node.op_type == 'Conv':
            macs += int(np.prod(shapes[node.output[0]]) * np.prod(weights[node.input[1]][1:]))
    grid, pixels = logit_grid(size), size.height * size.width
    logits = len(model.metadata.labels) * grid.height * grid.width
    return Needs(
        gmacs=round(macs / 1e9, 3),
        weights_mb=round(2 * model.count_weights() / 1e6, 2),
        image_and_logits_mb=round((3 * pixels + 2 * logits) / 1e6, 2),
        frame_mb=round(3 * pixels / 1e6, 2),
        labels_mb=round(pixels / 1e6, 2),
    )


def floors(need: Needs, best: Ceilings, batch: int) -> Floors:
    """Divide needs by ceilings."""
    network_mb = need.weights_mb + batch * need.image_and_logits_mb
    copies_ms = (
        need.frame_mb / best.upload_gb_a_second + need.labels_mb / best.download_gb_a_second
    )
    return Floors(
        batch,
        arithmetic_ms=round(batch * 2 * need.gmacs / best.half_tflop_a_second, 4),
        network_bytes_ms=round(network_mb / best.copy_gb_a_second, 4),
        frame_copies_ms=round(batch * copies_ms, 4),
    )


def _digits(value: float) -> float:
    return float(f'{value:.4g}')
