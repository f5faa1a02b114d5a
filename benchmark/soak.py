"""Run the node for long at camera rate and see what grows: memory, descriptors, latency.

Camera and subscriber are processes of their own. It ends with code 1 where a frame is unaccounted
for; the other figures are for a person, or for limits of the caller's.
"""

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from running_node import NodeRun, run_node

from stdc_core.command_line.run_command import run_command
from stdc_core.errors import UserError
from stdc_core.processor import processor_name

MODEL = Path(__file__).parents[1] / 'models/stdc1_camvid_int8.onnx'
SAMPLE_S = 2.0
TOLD_S = 30.0  # between lines of progress
WARM_UP_S = 180.0  # that the slopes leave out, or a quarter of the time if that is less
MIB = 2**20
HOUR_S = 3600.0
OUTCOMES = ('processed', 'replaced', 'rejected', 'failed', 'lost', 'in flight')


@dataclass(frozen=True)
class Sample:
    """The node's process at one moment.

    :param at_s: since the first image.
    :param resident_mib: memory in use, shared libraries among it.
    :param p50_ms: of the masks since the last sample, from image published to mask received; None
        where none came.
    """

    at_s: float
    resident_mib: float
    descriptors: int
    threads: int
    masks: int
    p50_ms: float | None

    def __str__(self) -> str:
        latency = 'no masks' if self.p50_ms is None else f'p50 {self.p50_ms:.1f} ms'
        return (
            f'{self.at_s / 60:5.1f} min  {self.resident_mib:.1f} MiB  {self.descriptors} '
            f'descriptors  {self.threads} threads  {self.masks} masks  {latency}'
        )


class Sampler:
    """Takes a sample every two seconds and tells of one every half minute."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._start = 0.0
        self._counted = 0

    def watch(self, pid: int, latencies_ms: Mapping[str, Sequence[float]]) -> None:
        """Take a sample where one is due; for :func:`run_node`."""
        now = time.monotonic()
        self._start = self._start or now
        if self.samples and now - self._start - self.samples[-1].at_s < SAMPLE_S:
            return
        latencies = latencies_ms['image']
        new, self._counted = latencies[self._counted :], len(latencies)
        folder = Path(f'/proc/{pid}')
        pages = int((folder / 'statm').read_text().split()[1])
        sample = Sample(
            at_s=now - self._start,
            resident_mib=pages * os.sysconf('SC_PAGE_SIZE') / MIB,
            descriptors=len(os.listdir(folder / 'fd')),
            threads=len(os.listdir(folder / 'task')),
            masks=self._counted,
            p50_ms=float(np.median(new)) if new else None,
        )
        if not self.samples or sample.at_s // TOLD_S > self.samples[-1].at_s // TOLD_S:
            print(sample, file=sys.stderr, flush=True)
        self.samples.append(sample)


def measure(
    minutes: float = 30.0,
    model: Path = MODEL,
    size: Annotated[tuple[int, int], tyro.conf.arg(metavar='H W')] = (360, 480),
    rate: float = 15.0,
    threads: int = 0,
    output: Path | None = None,
) -> int:
    """Run the real node at camera rate and look at its process.

    :param minutes: how long, at least half a minute.
    :param model: the model file (*.onnx); the network has its own size.
    :param size: height and width of the camera's images.
    :param rate: images a second.
    :param threads: the node's parameter.
    :param output: JSON file for the result and all samples.
    """
    if minutes < 0.5:
        raise UserError(f'--minutes is {minutes:g}, expected at least 0.5')
    sampler = Sampler()
    frames = round(minutes * 60 * rate)
    parameters = {'model': str(model.resolve()), 'threads': str(threads)}
    run = run_node(parameters, [], size, rate, frames, sampler.watch)
    result = _result(run, sampler.samples, size, rate, frames)
    for name, value in result.items():
        print(f'{name:40}{value:.2f}' if isinstance(value, float) else f'{name:40}{value}')
    if output is not None:
        columns = {
            name: [getattr(sample, name) for sample in sampler.samples]
            for name in Sample.__dataclass_fields__
        }
        output.write_text(json.dumps({**result, 'samples': columns}, indent=1) + '\n')
    return 1 if result['unaccounted for'] else 0


def slope(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """Least squares: the slope, and twice its standard error as if samples were independent."""
    (slope, offset), count = np.polyfit(x, y, 1), len(x)
    residuals = np.asarray(y) - slope * np.asarray(x) - offset
    variance = (residuals**2).sum() / max(count - 2, 1)
    return float(slope), float(2 * np.sqrt(variance / ((x - np.mean(x)) ** 2).sum()))


def _result(
    run: NodeRun, samples: Sequence[Sample], size: tuple[int, int], rate: float, frames: int
) -> dict[str, object]:
    camera = run.cameras['image']
    warm_up_s = min(WARM_UP_S, camera.seconds / 4)
    steady = [sample for sample in samples if warm_up_s <= sample.at_s <= camera.seconds]
    timed = [sample for sample in steady if sample.p50_ms is not None]
    if len(timed) < 3:
        raise UserError(f'{len(timed)} samples with masks, expected at least 3')
    told = camera.diagnostics
    counts = {name: int(told[f'frames {name}']) for name in ('published', *OUTCOMES)}
    memory, memory_error = slope(
        [sample.at_s for sample in steady], [sample.resident_mib for sample in steady]
    )
    drift, drift_error = slope(
        [sample.at_s for sample in timed], [sample.p50_ms or 0.0 for sample in timed]
    )
    descriptors = [sample.descriptors for sample in steady]
    threads = [sample.threads for sample in steady]
    latencies = camera.latencies_ms
    tenth = len(latencies) // 10
    return {
        'processor': processor_name(),
        'cores': len(os.sched_getaffinity(0)),
        'load before': run.load_before,
        'processors busy': run.cpu_shares['busy'],
        'processors stolen': run.cpu_shares['stolen'],
        'image': f'{size[0]}x{size[1]} rgb8',
        'backend': told['backend'],
        'minutes': camera.seconds / 60,
        'images a second': rate,
        'images': frames,
        **counts,
        'unaccounted for': frames - sum(counts[name] for name in OUTCOMES),
        'masks received': len(latencies),
        'warm-up left out (s)': warm_up_s,
        'memory at first (MiB)': steady[0].resident_mib,
        'memory at last (MiB)': steady[-1].resident_mib,
        'memory slope (MiB an hour)': memory * HOUR_S,
        'memory slope, two errors (MiB an hour)': memory_error * HOUR_S,
        'file descriptors, least and most': [min(descriptors), max(descriptors)],
        'threads, least and most': [min(threads), max(threads)],
        'latency p50 (ms)': float(np.percentile(latencies, 50)),
        'latency p95 (ms)': float(np.percentile(latencies, 95)),
        'latency p50 of the second tenth (ms)': float(np.median(latencies[tenth : 2 * tenth])),
        'latency p50 of the last tenth (ms)': float(np.median(latencies[-tenth:])),
        'latency slope (ms an hour)': drift * HOUR_S,
        'latency slope, two errors (ms an hour)': drift_error * HOUR_S,
    }


if __name__ == '__main__':
    prog = 'benchmark/soak.py'
    sys.exit(run_command('soak', lambda: tyro.cli(measure, prog=prog)))
