"""Check and time the GPU engines of this machine, in one go of under eight minutes.

``python benchmark/gpu.py`` needs torch for CUDA and the packages that run a model file; what else
is there is timed too. A part that fails is reported and the others go on; the JSON is written
anew after every part. ``--dry-run`` goes the same way on the CPU with tiny sizes.
"""

from __future__ import annotations

import argparse
import datetime
import json
import logging
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from gpu_cases import AuthorsOnGpu, Call, NetworkAlone, frames_in_turn, whole_frames
from gpu_machine import ceilings, describe, floors, needs, summary, time_calls, time_events
from numpy.typing import NDArray

from stdc_core.benchmark.machine import machine
from stdc_core.engines import Backend, InferenceEngine, Precision, open_engine
from stdc_core.geometry import FrameGeometry, Size
from stdc_core.memory import resident_memory
from stdc_core.model_file import ModelFile, logit_grid, read_model_file
from stdc_core.upsample import upsample_labels

ROOT = Path(__file__).parents[1]
ENGINES: tuple[tuple[Backend, Precision], ...] = (
    ('torch-cuda', 'fp16'),
    ('torch-cuda', 'fp32'),
    ('tensorrt', 'fp16'),
    ('tensorrt', 'fp32'),
)


class Benchmark:
    """One run: parts that write into one report.

    :param budget_s: what has not begun by then is left out, aloud.
    """

    def __init__(self, model: ModelFile, output: Path, *, dry: bool, budget_s: float) -> None:
        self.model = model
        self.dry = dry
        self.device = torch.device('cpu' if dry else 'cuda')
        self.sizes = [Size(64, 128)] if dry else [Size(512, 1024), Size(768, 1536), Size(720, 960)]
        self.calls = 3 if dry else 1000
        self.seconds = 0.2 if dry else 2.0  # a case
        self.output = output
        self.end = time.monotonic() + budget_s
        self.report: dict[str, Any] = {'dry_run': dry, 'failed': {}, 'seconds': {}}
        self.frames: dict[Size, list[NDArray[np.uint8]]] = {}

    def part(self, name: str, work: Callable[[], Any]) -> None:
        """Do a part and keep what it returns, or why it failed."""
        if time.monotonic() > self.end:
            self.report['failed'][name] = 'left out: no time left'
            print(f'{name}: no time left', flush=True)
        else:
            start = time.monotonic()
            try:
                self.report[name] = work()
            except Exception as error:
                self.report['failed'][name] = f'{type(error).__name__}: {error}'
                print(f'{name} FAILED', file=sys.stderr)
                traceback.print_exc()
            self.report['seconds'][name] = round(time.monotonic() - start, 1)
            print(name, json.dumps(self.report.get(name, 'FAILED')), flush=True)
        self.write()

    def write(self) -> None:
        """Write the report as far as it is."""
        self.output.parent.mkdir(parents=True, exist_ok=True)
        part = self.output.with_suffix('.part')
        part.write_text(json.dumps(self.report, indent=1) + '\n')
        os.replace(part, self.output)

    def render(self) -> dict[str, int]:
        """Frames of a rendered drive, BGR, of each network size and of another camera size."""
        from stdc_core.synthetic.drive import SyntheticDrive  # needs numba

        drive = SyntheticDrive(7, (45, 80) if self.dry else (720, 1280))
        pictures = [
            np.ascontiguousarray(drive.frame(40 * number).image[..., ::-1])
            for number in range(2 if self.dry else 6)
        ]
        return self.keep(pictures)

    def keep(self, pictures: list[NDArray[np.uint8]]) -> dict[str, int]:
        """Keep BGR pictures, in their own size (the camera's) and in the networks'."""
        self.camera = Size(*pictures[0].shape[:2])
        for size in (*self.sizes, self.camera):
            self.frames[size] = [
                np.ascontiguousarray(cv2.resize(each, size[::-1]), np.uint8) for each in pictures
            ]
        return {str(size): len(frames) for size, frames in self.frames.items()}

    def frames_without_renderer(self) -> dict[str, int]:
        """Frames where nothing can be rendered (no numba): the self-check's, and flipped."""
        frame = self.model.metadata.self_check.frame[..., ::-1]
        return self.keep([np.ascontiguousarray(frame), np.ascontiguousarray(frame[:, ::-1])])

    @contextmanager
    def engine(
        self, backend: Backend, precision: Precision, size: Size
    ) -> Iterator[InferenceEngine]:
        """Open an engine; its self-check is the first test."""
        with open_engine(self.model, backend, size=size, precision=precision) as engine:
            yield engine

    def correctness(self, backend: Backend, precision: Precision) -> dict[str, Any]:
        """Labels and logits against ONNX Runtime in fp32; resize and tail against the CPU's."""
        found: dict[str, Any] = {}
        for size in self.sizes:
            with (
                self.engine(backend, precision, size) as engine,
                open_engine(self.model, 'onnxruntime', size=size) as reference,
            ):
                agreements, errors, wrong_tails = [], [], 0
                sampled = FrameGeometry(self.camera, size, self.model.metadata.resize)
                sampling = sampled.sampling(logit_grid(size), self.model.metadata.align_corners)
                image = np.empty((*size, 3), np.uint8)
                for frame in self.frames[self.camera]:
                    sampled.resize(frame, image, 'bgr')
                    expected = reference.run_network(image).logits.astype(np.float64)
                    own = engine.run_network(image).logits.copy()
                    errors.append(np.linalg.norm(own - expected) / np.linalg.norm(expected))
                    labels = engine.infer(frame).labels.copy()
                    for _ in range(2):  # the recorded graph, with another frame in between
                        engine.infer(np.ascontiguousarray(255 - frame))
                        again = engine.infer(frame).labels
                        wrong_tails += int((again != labels).sum())
                    # Not exactly 0 where the library's kernels differ between its two ways.
                    wrong_tails += int((labels != upsample_labels(own, sampling)).sum())
                    agreements.append(np.mean(labels == reference.infer(frame).labels))
                found[str(size)] = {
                    'engine': str(engine.info),
                    'label_agreement_mean': round(float(np.mean(agreements)), 6),
                    'label_agreement_worst': round(float(np.min(agreements)), 6),
                    'logits_relative_error': float(f'{np.max(errors):.3g}'),
                    'pixels_unlike_the_cpus_resize_and_tail': wrong_tails,
                }
        return found

    def needs_and_floors(self) -> dict[str, Any]:
        """Arithmetic and bytes, and how long the measured ceilings take for them."""
        best = self.report.get('ceilings')
        found: dict[str, Any] = {}
        for size in self.sizes:
            need = needs(self.model, size)
            found[str(size)] = need | (floors(need, best) if best else {})
        return found

    def time(self, cases: dict[str, Call], *, events: bool) -> dict[str, Any]:
        """Time cases; one that fails says so."""
        timer = time_events if events else time_calls
        figures: dict[str, Any] = {}
        for name, call in cases.items():
            try:
                samples = timer(call, self.device, seconds=self.seconds, most=self.calls)
                figures[name] = summary(samples)
            except Exception as error:
                figures[name] = {'failed': f'{type(error).__name__}: {error}'}
        return figures

    def networks(self, size: Size, batch: int) -> dict[str, Any]:
        """Network only: what is on the device already to logits."""
        half = torch.float32 if self.dry else torch.float16
        authors = AuthorsOnGpu(self.model, size, batch, self.device)
        cases: dict[str, Call] = {'torch eager fp32 (authors)': authors.network}
        for name, dtype, mode in (
            ('torch eager fp16', half, 'eager'),
            ('this torch engine fp16 (graph)', half, 'graph'),
            ('this torch engine fp32 (graph)', torch.float32, 'graph'),
        ):
            cases[name] = NetworkAlone(self.model, size, batch, self.device, dtype, mode).run
        return self.time(cases, events=True)

    def compiled(self, size: Size, batch: int) -> dict[str, Any]:
        """Time torch.compile of the network, in half, in a CUDA graph; the compiler takes long."""
        half = torch.float32 if self.dry else torch.float16
        alone = NetworkAlone(self.model, size, batch, self.device, half, 'compiled')
        return self.time({'torch compiled fp16': alone.run}, events=True)

    def whole(self, size: Size, batch: int) -> dict[str, Any]:
        """Frames on the host, of the network's size, to labels on the host."""
        frames = self.frames[size]
        authors = AuthorsOnGpu(self.model, size, batch, self.device)
        several = [frames[number % len(frames)] for number in range(batch)]
        figures = self.time(
            {'torch eager fp32 (authors)': lambda: authors.whole_frames(several)}, events=False
        )
        for backend, precision in ENGINES:
            name = f'{backend} {precision}'
            try:
                with self.engine(backend, precision, size) as engine:
                    call = whole_frames(engine, frames)
                    if batch > 1:
                        call = frames_in_turn(engine, frames, batch)
                    figures |= self.time({name: call}, events=False)
            except Exception as error:
                figures[name] = {'failed': f'{type(error).__name__}: {error}'}
        return figures

    def endurance(self, backend: Backend, precision: Precision) -> dict[str, Any]:
        """Memory of this process and of the GPU over 10,000 frames and 50 openings."""
        size, frames = self.sizes[0], self.frames[self.sizes[0]]
        count, openings = (20, 3) if self.dry else (10_000, 50)
        with self.engine(backend, precision, size) as engine:
            call = whole_frames(engine, frames)
            for _ in range(count // 20):
                call()
            before = self.memory()
            for _ in range(count):
                call()
            after = self.memory()
        found: dict[str, Any] = {'frames': count, 'before': before, 'after': after}
        for number in range(openings + 1):
            with self.engine(backend, precision, size) as engine:
                engine.infer(frames[0])
            if number == 0:
                found['opened_once'] = self.memory()
        return found | {'openings': openings, 'opened_again': self.memory()}

    def memory(self) -> dict[str, float]:
        """MB in use: of this process, of the whole GPU, and what torch counts as its own."""
        found = {'process': resident_memory()}
        if self.device.type == 'cuda':
            torch.cuda.synchronize()
            free, total = torch.cuda.mem_get_info()
            found |= {'gpu': total - free, 'torch': torch.cuda.memory_allocated()}
        return {name: round(number / 1e6, 1) for name, number in found.items()}

    def build_plans(self) -> dict[str, Any]:
        """Build the plans that the tensorrt engine needs."""
        from stdc_core.tensorrt.build import build_plan
        from stdc_core.tensorrt.cache import PlanCache
        from stdc_core.tensorrt.gpu_probe import find_gpu
        from stdc_core.tensorrt.library import find_tensorrt

        gpu, library, found = find_gpu(), find_tensorrt(), {}
        for size in self.sizes:
            for backend, precision in ENGINES:
                if backend == 'tensorrt':
                    plan = build_plan(
                        self.model, library, gpu, size=size, detail=False, precision=precision
                    )
                    found[f'{size} {precision}'] = str(PlanCache().store(plan))
        return found

    def run(self) -> None:
        """Do all parts, the most wanted first."""
        self.part('machine', lambda: machine() | describe(self.device))
        self.part('ceilings', lambda: ceilings(self.device, dry=self.dry))
        self.part('frames', self.render)
        if not self.frames:
            self.part('frames_of_the_self_check', self.frames_without_renderer)
        self.part('needs', self.needs_and_floors)
        self.part('tensorrt_plans', self.build_plans)
        half: Precision = 'fp32' if self.dry else 'fp16'
        self.part('correct_torch-cuda_half', lambda: self.correctness('torch-cuda', half))
        for batch in (1, 4):
            for size in self.sizes:
                self.part(f'network_{size}_batch_{batch}', _bind(self.networks, size, batch))
                self.part(f'whole_frame_{size}_batch_{batch}', _bind(self.whole, size, batch))
            if batch == 1:
                self.part('endurance', lambda: self.endurance('torch-cuda', half))
        self.part('correct_torch-cuda_fp32', lambda: self.correctness('torch-cuda', 'fp32'))
        self.part('correct_tensorrt_fp16', lambda: self.correctness('tensorrt', 'fp16'))
        for batch, size in ((1, self.sizes[0]), (4, self.sizes[0]), (1, self.sizes[-1])):
            self.part(f'compiled_{size}_batch_{batch}', _bind(self.compiled, size, batch))


def _bind(work: Callable[[Size, int], Any], size: Size, batch: int) -> Callable[[], Any]:
    return lambda: work(size, batch)


def main() -> None:
    """Run all parts and say where the report is."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('--model', type=Path, default=ROOT / 'models/stdc1_camvid.onnx')
    parser.add_argument('--output', type=Path, help='default: benchmark/results/DATE_GPU.json')
    parser.add_argument('--dry-run', action='store_true', help='on the CPU, tiny, proves nothing')
    parser.add_argument('--budget', type=float, default=430.0, help='seconds to begin parts in')
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    if arguments.dry_run:
        from stdc_core.engines.torch_cuda import TorchCudaEngine

        TorchCudaEngine.device_type = 'cpu'
        torch.set_num_threads(1)  # on a busy machine two wait for each other
    elif not torch.cuda.is_available():
        sys.exit(f'benchmark: torch {torch.__version__} finds no GPU (--dry-run does without)')
    name = 'dry-run' if arguments.dry_run else torch.cuda.get_device_name()
    name = re.sub(r'[^a-z0-9]+', '-', name.lower())
    date = datetime.date.today().isoformat()
    output = arguments.output or ROOT / f'benchmark/results/{date}_{name}.json'
    model = read_model_file(arguments.model)
    benchmark = Benchmark(model, output, dry=arguments.dry_run, budget_s=arguments.budget)
    benchmark.report['model'] = f'{arguments.model.name}, {model.metadata.architecture}'
    benchmark.run()
    failed = ', '.join(benchmark.report['failed']) or 'none'
    print(f'{output}; parts that failed or were left out: {failed}')


if __name__ == '__main__':
    main()
