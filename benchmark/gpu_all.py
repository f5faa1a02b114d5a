"""All parts of benchmark/gpu.py, the most wanted first."""

from __future__ import annotations

import datetime
import math
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from gpu_cases import let_rivals_choose
from gpu_frames import Frames, has_frames, read_frames, render_frames
from gpu_machine import Ceilings, ceilings, describe, floors, needs
from gpu_parts import Parts
from gpu_plans import Plans
from gpu_run import PATIENCE, Part, Run
from gpu_table import must_show, table

from stdc_core.benchmark.machine import machine
from stdc_core.engines import EngineUnavailableError, torch_cuda
from stdc_core.engines.torch_tail import TorchTail
from stdc_core.geometry import Size
from stdc_core.model_file import read_model_file

SIZES = (Size(512, 1024), Size(720, 960), Size(768, 1536))
DRY_SIZES = (Size(64, 128),)
BATCHES = (1, 4)
SMOKE = Path(__file__).parent / 'gpu_smoke.py'


def run_all(model_path: Path, output: Path | None, folder: Path, *, dry: bool, end: float) -> None:
    """Do all parts, print the tables, say where the report is.

    :param folder: of the report where there is no ``output``.
    :param end: of ``time.monotonic()``.
    """
    if dry:
        torch_cuda.TorchCudaEngine.device_type = 'cpu'
        torch.set_num_threads(1)  # on a busy machine two wait for each other
    elif not torch.cuda.is_available():
        sys.exit(f'benchmark: torch {torch.__version__} finds no GPU (--dry-run does without)')
    let_rivals_choose()
    name = 'dry-run' if dry else torch.cuda.get_device_name()
    name = re.sub(r'[^a-z0-9]+', '-', name.lower())
    date = datetime.date.today().isoformat()
    run = Run(
        output or folder / f'{date}_{name}.json',
        end=end,
        patience=math.inf if dry else PATIENCE,
    )
    model = read_model_file(model_path)
    run.facts = {'model': model_path.name, 'model_sha256': model.sha256, 'dry_run': dry}
    parts = Parts(model, dry=dry)
    sizes = DRY_SIZES if dry else SIZES
    _begin(run, parts, sizes)
    for part in _in_order(parts, sizes):
        run.do(part)
        run.facts['must_show'] = must_show(run.found, sizes[0])
        run.write()
    print(table(run, sizes, BATCHES))
    for what, names in (('failed', run.failed), ('left out', run.left_out)):
        print(f'{what}: {", ".join(names) or "none"}')
    print(run.output)


def _begin(run: Run, parts: Parts, sizes: tuple[Size, ...]) -> None:
    """Find out what the other parts build on."""
    model, dry = parts.model, parts.dry
    run.do(Part('machine', 2, lambda: machine() | describe(parts.device)))
    if not dry:
        make, cost_s = (read_frames, 4) if has_frames() else (render_frames, 40)
        run.do(Part('frames', cost_s, lambda: _take_frames(parts, make)))
    run.facts['frames'] = str(parts.frames)
    run.do(Part('kernels', 30, lambda: _try_kernels(parts)))
    best: Ceilings | None = run.do(Part('ceilings', 20, lambda: ceilings(parts.device, dry=dry)))
    needed = run.do(Part('needs', 2, lambda: {str(size): needs(model, size) for size in sizes}))
    if best is not None and needed is not None:
        run.found['floors'] = {
            f'{size}_batch_{batch}': floors(need, best, batch)
            for size, need in needed.items()
            for batch in BATCHES
        }
    run.do(Part('tensorrt', 3, lambda: _find_tensorrt(parts)))


def _take_frames(parts: Parts, make: Callable[[], Frames]) -> str:
    parts.frames = make()
    return str(parts.frames)


def _try_kernels(parts: Parts) -> str:
    """See whether our kernels run; without them torch-cuda has its plain operations."""
    command = [sys.executable, str(SMOKE), str(parts.model.path), parts.device.type]
    command.append('fp32' if parts.dry else 'fp16')
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=80)
        if result.returncode == 0:
            return result.stdout.strip()
        reason = (result.stderr.strip().splitlines() or [f'exit code {result.returncode}'])[-1]
    except subprocess.TimeoutExpired as error:
        reason = str(error)
    torch_cuda.open_tail = TorchTail  # type: ignore[attr-defined]
    return f'plain operations from here on, since the kernels failed: {reason}'


def _find_tensorrt(parts: Parts) -> str:
    try:
        parts.plans = Plans(parts.model)
    except EngineUnavailableError as error:
        return f'none: {error}'
    return str(parts.plans.tensorrt)


def _in_order(parts: Parts, sizes: tuple[Size, ...]) -> Iterator[Part]:
    """List what is checked and timed; TensorRT only where it is."""
    first, others = sizes[0], sizes[1:]
    default = parts.model.metadata.default_size
    yield from parts.plan(first, 'fp16')
    yield parts.correct('torch-cuda', 'fp16', first)
    yield parts.whole(first, 1)
    yield parts.network(first, 1)
    yield parts.endurance('torch-cuda')
    yield parts.openings('torch-cuda')
    if parts.plans:
        yield parts.correct('tensorrt', 'fp16', first)
        yield from parts.plan(default, 'fp16')
        yield parts.endurance('tensorrt')
        yield parts.openings('tensorrt')
    yield parts.compiled(first, 1)
    yield parts.whole(first, 4)
    yield parts.network(first, 4)
    yield parts.plain_operations(first)
    for size in others:
        yield from parts.plan(size, 'fp16')
        yield parts.correct('torch-cuda', 'fp16', size)
        yield parts.whole(size, 1)
        yield parts.network(size, 1)
    for size in others:
        yield parts.whole(size, 4)
        yield parts.network(size, 4)
    yield parts.correct('torch-cuda', 'fp32', first)
    yield parts.compiled(first, 4)
    for batch in BATCHES:
        for size in others:
            yield parts.compiled(size, batch)
