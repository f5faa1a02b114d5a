"""Three cameras at one node: rate, ledger and latency of each, as a Markdown table."""

import os
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from running_node import CameraRun, run_node

from stdc_core.command_line.run_command import run_command
from stdc_core.errors import UserError
from stdc_core.processor import processor_name

MODEL = Path(__file__).parents[1] / 'models/stdc1_camvid_int8.onnx'
CAMERAS = ('front', 'left', 'rear')
WARM_UP = 10  # masks of each camera whose latency is not counted


def measure(
    model: Path = MODEL,
    size: Annotated[tuple[int, int], tyro.conf.arg(metavar='H W')] = (360, 480),
    rate: float = 10.0,
    frames: int = 300,
) -> None:
    """Run the real node on three cameras that begin together.

    :param model: the model file (*.onnx); the network has its own size.
    :param size: height and width of the cameras' images.
    :param rate: images a second, of each camera.
    :param frames: images of each camera.
    """
    run = run_node({'model': str(model.resolve())}, CAMERAS, size, rate, frames)
    shares = run.cpu_shares
    print(
        f'{processor_name()}, {len(os.sched_getaffinity(0))} cores, load before '
        f'{run.load_before:.2f}, processors {shares["busy"]:.0%} busy, {shares["stolen"]:.0%} '
        f'stolen\n{model.name}, images {size[0]}x{size[1]} rgb8, '
        f'{run.cameras["front"].diagnostics["backend"]}\n'
    )
    print('| camera | images | a second | masks | replaced | lost | p50 | p95 | max ms |')
    print('|---|---:|---:|---:|---:|---:|---:|---:|---:|')
    for name, camera in run.cameras.items():
        print(_row(name, frames, camera))


def _row(name: str, frames: int, camera: CameraRun) -> str:
    """Say how it went with a camera; ``processed`` of the ledger are the masks."""
    latencies = camera.latencies_ms[WARM_UP:]
    if not latencies:
        raise UserError(f'{name}: only {len(camera.latencies_ms)} masks came, expected more')
    told = camera.diagnostics
    p50, p95 = np.percentile(latencies, (50, 95))
    counts = (told[f'frames {what}'] for what in ('processed', 'replaced', 'lost'))
    cells = [name, str(frames), f'{frames / camera.seconds:.1f}', *counts]
    cells += [f'{value:.0f}' for value in (p50, p95, max(latencies))]
    return f'| {" | ".join(cells)} |'


if __name__ == '__main__':
    prog = 'benchmark/three_cameras.py'
    sys.exit(run_command('three_cameras', lambda: tyro.cli(measure, prog=prog)))
