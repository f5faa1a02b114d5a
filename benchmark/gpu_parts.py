"""The parts of benchmark/gpu.py that check and time, each with an estimate of its time.

The estimates are for an H200 and were made before anything had run on one; the report has the
seconds beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any
from unittest.mock import patch

import torch
from gpu_cases import (
    AUTHORS,
    AuthorsOnGpu,
    Compiled,
    Mode,
    NetworkAlone,
    batch_of,
    frames_in_turn,
    whole_frames,
)
from gpu_correct import Agreement, compare
from gpu_endurance import Growth, over_frames, over_openings
from gpu_frames import self_check_frames
from gpu_plans import PlanAlone, Plans
from gpu_run import Part
from gpu_timing import Call, Case, Way, time_calls, time_cases, time_events

from stdc_core.engines import Backend, InferenceEngine, Precision, open_engine, torch_cuda
from stdc_core.engines.torch_tail import TorchTail
from stdc_core.geometry import Size
from stdc_core.model_file import ModelFile
from stdc_core.tensorrt.precision import PlanPrecision

ENGINES: tuple[tuple[Backend, PlanPrecision], ...] = (
    ('torch-cuda', 'fp16'),
    ('torch-cuda', 'fp32'),
    ('tensorrt', 'fp16'),
)


class Parts:
    """Makes the parts; nothing is done yet.

    :param dry: on the CPU, tiny, fp32 instead of fp16.
    """

    def __init__(self, model: ModelFile, *, dry: bool) -> None:
        self.model = model
        self.dry = dry
        self.device = torch.device('cpu' if dry else 'cuda')
        self.frames = self_check_frames(model)
        self.plans: Plans | None = None  # where there is TensorRT
        limits: dict[str, Any] = (
            {'seconds': 0.2, 'most': 3} if dry else {'seconds': 1, 'most': 500}
        )
        self.by_clock = partial(time_calls, device=self.device, **limits)
        self.by_events = partial(time_events, device=self.device, **limits)

    def correct(self, backend: Backend, precision: Precision, size: Size) -> Part:
        """Compare with ONNX Runtime in fp32."""

        def work() -> Agreement:
            with (
                self._open(backend, precision, size) as engine,
                open_engine(self.model, 'onnxruntime', size=size, precision='fp32') as reference,
            ):
                return compare(engine, reference, self.frames)

        return Part(f'correct_{backend}_{precision}_{size}', 15, work)

    def whole(self, size: Size, batch: int) -> Part:
        """Time frames on the host, of the network's size, to labels on the host."""
        frames = self.frames.at(size)
        several = batch_of(frames, batch)

        def authors(stack: ExitStack) -> Call:
            rival = AuthorsOnGpu(self.model, size, batch, self.device)
            return lambda: rival.whole_frames(several)

        def ours(backend: Backend, precision: Precision, stack: ExitStack) -> Call:
            engine = stack.enter_context(self._open(backend, precision, size))
            if batch > 1:
                return frames_in_turn(engine, frames, batch)
            return whole_frames(engine, frames)

        cases = [Case(AUTHORS, authors, batch)]
        for backend, precision in self._engines():
            prepare = partial(ours, backend, precision)
            cases.append(Case(f'{backend} {precision}', prepare, batch, _way(batch)))
        return Part(
            f'whole_frame_{size}_batch_{batch}', 15, lambda: time_cases(cases, self.by_clock)
        )

    def network(self, size: Size, batch: int) -> Part:
        """Time networks only: what is on the device already to logits."""

        def authors(stack: ExitStack) -> Call:
            return AuthorsOnGpu(self.model, size, batch, self.device).network

        def alone(precision: Precision, mode: Mode, stack: ExitStack) -> Call:
            dtype = self._type(precision)
            return NetworkAlone(self.model, size, batch, self.device, dtype, mode).run

        def plan(plans: Plans, precision: PlanPrecision, stack: ExitStack) -> Call:
            network = PlanAlone(plans, size, precision)
            stack.callback(network.close)

            def call() -> None:
                for _ in range(batch):
                    network.run()

            return call

        cases = [
            Case(AUTHORS, authors, batch),
            Case('torch eager fp16', partial(alone, 'fp16', 'eager'), batch),
            Case('torch-cuda fp16', partial(alone, 'fp16', 'graph'), batch),
            Case('torch-cuda fp32', partial(alone, 'fp32', 'graph'), batch),
        ]
        if self.plans:  # a plan has batch 1
            prepare = partial(plan, self.plans, 'fp16')
            cases.append(Case('tensorrt fp16', prepare, batch, _way(batch)))
        return Part(f'network_{size}_batch_{batch}', 10, lambda: time_cases(cases, self.by_events))

    def compiled(self, size: Size, batch: int) -> Part:
        """Let torch.compile do both, network only and whole frames; the compiler takes long."""

        def work() -> dict[str, Any]:
            compiled = Compiled(self.model, size, batch, self.device, self._type('fp16'))
            several = batch_of(self.frames.at(size), batch)
            name = 'torch compiled fp16'
            network = Case(name, lambda stack: compiled.network, batch)
            whole = Case(name, lambda stack: lambda: compiled.whole_frames(several), batch)
            return {
                'compile_s': compiled.compile_s,
                'network': time_cases([network], self.by_events),
                'whole_frame': time_cases([whole], self.by_clock),
            }

        return Part(f'compiled_{size}_batch_{batch}', 60, work)

    def plain_operations(self, size: Size) -> Part:
        """Do whole frames as torch-cuda does where cuda-bindings cannot start the kernels."""

        def prepare(stack: ExitStack) -> Call:
            with patch.object(torch_cuda, 'open_tail', TorchTail):
                engine = stack.enter_context(self._open('torch-cuda', 'fp16', size))
            return whole_frames(engine, self.frames.at(size))

        case = Case('torch-cuda fp16, plain operations', prepare)
        return Part(
            f'plain_operations_{size}_batch_1', 8, lambda: time_cases([case], self.by_clock)
        )

    def endurance(self, backend: Backend) -> Part:
        """Run 10,000 frames; at the file's own size, since at others an engine opens two."""
        size = self.model.metadata.default_size
        count = 20 if self.dry else 10_000

        def work() -> Growth:
            open_one = partial(self._open, backend, 'fp16', size)
            return over_frames(open_one, self.frames.at(size), count)

        return Part(f'endurance_frames_{backend}', 20, work)

    def openings(self, backend: Backend) -> Part:
        """Open and close 50 times."""
        size = self.model.metadata.default_size
        count = 2 if self.dry else 50

        def work() -> Growth:
            open_one = partial(self._open, backend, 'fp16', size)
            return over_openings(open_one, self.frames.at(size)[0], count)

        return Part(f'endurance_openings_{backend}', 35, work)

    def plan(self, size: Size, precision: PlanPrecision) -> Iterator[Part]:
        """Build a plan, which takes seconds to minutes; nothing where there is no TensorRT."""
        if (plans := self.plans) is not None:
            yield Part(f'plan_{precision}_{size}', 45, lambda: plans.build(size, precision))

    def _engines(self) -> list[tuple[Backend, PlanPrecision]]:
        return [each for each in ENGINES if self.plans or each[0] != 'tensorrt']

    def _open(self, backend: Backend, precision: Precision, size: Size) -> InferenceEngine:
        """Open an engine; its self-check is the first test."""
        if self.dry:
            precision = 'fp32'
        return open_engine(self.model, backend, size=size, precision=precision)

    def _type(self, precision: Precision) -> torch.dtype:
        return torch.float16 if precision == 'fp16' and not self.dry else torch.float32


def _way(batch: int) -> Way:
    """How our engines do a batch: they have room for one frame at a time."""
    return 'in turn' if batch > 1 else 'one call'
