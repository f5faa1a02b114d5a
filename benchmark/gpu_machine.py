"""What the GPU can do at best, and what the network needs at least."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import torch

from stdc_core.geometry import Size
from stdc_core.model_file import ModelFile, logit_grid

COPY_BYTES = 1 << 32
MATRIX = 8192


def time_calls(
    call: Callable[[], object], device: torch.device, *, seconds: float, most: int
) -> list[float]:
    """Wall time of each call, milliseconds, everything on the device done; after a warm-up."""
    samples: list[float] = []
    for number in range(most + 5):
        synchronize(device)
        start = time.perf_counter()
        call()
        synchronize(device)
        elapsed = time.perf_counter() - start
        if number >= 5:
            samples.append(1e3 * elapsed)
        seconds -= elapsed
        if seconds < 0 and samples:
            break
    return samples


def time_events(
    call: Callable[[], object], device: torch.device, *, seconds: float, most: int
) -> list[float]:
    """Time between events before and after each call, milliseconds; wall time on a CPU."""
    if device.type != 'cuda':
        return time_calls(call, device, seconds=seconds, most=most)
    for _ in range(20):
        call()
    torch.cuda.synchronize()
    samples: list[float] = []
    deadline = time.perf_counter() + seconds
    while len(samples) < most and time.perf_counter() < deadline:
        events = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(50)]
        for before, after in events:
            before.record()
            call()
            after.record()
        torch.cuda.synchronize()
        samples += [before.elapsed_time(after) for before, after in events]
    return samples


def summary(samples: list[float]) -> dict[str, Any]:
    """Figures of a case."""
    p50, p99 = np.percentile(samples, (50, 99))
    return {
        'p50_ms': round(float(p50), 4),
        'p99_ms': round(float(p99), 4),
        'min_ms': round(min(samples), 4),
        'calls': len(samples),
    }


def synchronize(device: torch.device) -> None:
    """Wait for the device."""
    if device.type == 'cuda':
        torch.cuda.synchronize()


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


def ceilings(device: torch.device, *, dry: bool) -> dict[str, float]:
    """Measure what a copy on the device and a large matrix product in half reach."""
    size, side = (1 << 20, 256) if dry else (COPY_BYTES, MATRIX)
    dtype = torch.float32 if device.type == 'cpu' else torch.float16
    source = torch.randint(0, 256, (size,), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    copy = time_events(lambda: target.copy_(source), device, seconds=2, most=50)
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    product = time_events(lambda: a @ b, device, seconds=2, most=50)
    return {
        'copy_gb_a_second': float(f'{2 * size / np.median(copy) / 1e6:.4g}'),
        'half_tflop_a_second': float(f'{2 * side**3 / np.median(product) / 1e9:.4g}'),
    }


def needs(model: ModelFile, size: Size) -> dict[str, float]:
    """Multiply-accumulates of all convolutions; bytes if everything is read or written once."""
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
    grid = logit_grid(size)
    logits = len(model.metadata.labels) * grid.height * grid.width
    return {
        'gmacs': round(macs / 1e9, 3),
        'network_mb_in_half': round(
            (2 * model.count_weights() + 3 * size.height * size.width + 2 * logits) / 1e6, 2
        ),
        'frame_and_labels_mb': round(4 * size.height * size.width / 1e6, 2),
    }


def floors(need: dict[str, float], best: dict[str, float]) -> dict[str, float]:
    """Milliseconds that nothing in half can be much under on this GPU, batch 1."""
    return {
        'arithmetic_ms': round(2 * need['gmacs'] / best['half_tflop_a_second'], 4),
        'network_bytes_ms': round(need['network_mb_in_half'] / best['copy_gb_a_second'], 4),
    }
