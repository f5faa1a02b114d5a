"""Time images through the running node: a camera and a subscriber in processes of their own.

What it prints is the time from publishing an image until its mask is here, without the engine's.
"""

import json
import os
import statistics
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from running_node import NodeRun, run_node

from stdc_core.command_line.run_command import run_command
from stdc_core.errors import UserError
from stdc_core.processor import processor_name

WARM_UP = 20  # frames that are not counted


def measure(
    model: Path,
    size: Annotated[tuple[int, int], tyro.conf.arg(metavar='H W')] = (720, 960),
    network_size: Annotated[tuple[int, int], tyro.conf.arg(metavar='H W')] = (96, 160),
    rate: float = 15.0,
    frames: int = 300,
    threads: int = 0,
    output: Path | None = None,
) -> None:
    """Time images through the running node.

    :param model: the model file (*.onnx).
    :param size: height and width of the camera's images.
    :param network_size: of the network's input; small, so that the engine keeps up.
    :param rate: images a second.
    :param frames: images in all; the first 20 are not counted.
    :param threads: the node's parameter.
    :param output: JSON file for the result.
    """
    if frames <= 2 * WARM_UP:
        raise UserError(f'--frames is {frames}, expected more than {2 * WARM_UP}')
    parameters = {
        'model': str(model.resolve()),
        'network_size': f'[{network_size[0]}, {network_size[1]}]',
        'threads': str(threads),
    }
    run = run_node(parameters, [], size, rate, frames)
    result = _result(run, size, network_size, rate, frames)
    for name, value in result.items():
        if not isinstance(value, list):
            print(f'{name:32}{value:.2f}' if isinstance(value, float) else f'{name:32}{value}')
    if output is not None:
        output.write_text(json.dumps(result, indent=1) + '\n')


def _result(
    run: NodeRun,
    size: tuple[int, int],
    network_size: tuple[int, int],
    rate: float,
    frames: int,
) -> dict[str, object]:
    camera = run.cameras['image']
    latencies = camera.latencies_ms[WARM_UP:]
    if not latencies:
        raise UserError('no mask came')
    told = camera.diagnostics
    stages = ('transport', 'wait', 'decode', 'engine', 'publish_mask', 'whole')
    medians = {stage: float(told[f'{stage} p50 (ms)']) for stage in stages}
    p50 = statistics.median(latencies)
    return {
        'processor': processor_name(),
        'cores': len(os.sched_getaffinity(0)),
        'load before': run.load_before,
        'processors busy': run.cpu_shares['busy'],
        'processors stolen': run.cpu_shares['stolen'],
        'image': f'{size[0]}x{size[1]} rgb8',
        'network': f'{network_size[0]}x{network_size[1]}',
        'threads': told['threads'],
        'images a second': rate,
        'images': frames,
        'masks': len(camera.latencies_ms),
        'ledger': ', '.join(
            f'{name} {told[f"frames {name}"]}'
            for name in ('published', 'processed', 'replaced', 'lost', 'in flight')
        ),
        **{f'{stage} p50 (ms)': value for stage, value in medians.items()},
        'image to mask p50 (ms)': p50,
        'image to mask p95 (ms)': float(np.percentile(latencies, 95)),
        'without the engine p50 (ms)': p50 - medians['engine'],
        'image to mask (ms)': [round(latency, 3) for latency in latencies],
    }


if __name__ == '__main__':
    prog = 'benchmark/node_latency.py'
    sys.exit(run_command('node_latency', lambda: tyro.cli(measure, prog=prog)))
