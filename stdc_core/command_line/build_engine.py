"""``stdc_seg build-engine``: model file to TensorRT plans."""

import time
from pathlib import Path
from typing import Annotated

import tyro
from rich.progress import Progress, TaskID

from stdc_core.engines.base import EngineUnavailableError
from stdc_core.model_file import ModelFile, check_network_size, read_model_file
from stdc_core.tensorrt.build import build_plan
from stdc_core.tensorrt.cache import PlanCache
from stdc_core.tensorrt.fingerprint import PlanFingerprint, fingerprint_of
from stdc_core.tensorrt.gpu_probe import Gpu, find_gpu
from stdc_core.tensorrt.inspector import check_types, inspected_types
from stdc_core.tensorrt.library import TensorRT, built_for, find_tensorrt
from stdc_core.tensorrt.plan import Plan, PlanFileError
from stdc_core.tensorrt.precision import PlanPrecision


def build_engine(
    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar='MODEL')],
    size: Annotated[tuple[int, int] | None, tyro.conf.arg(metavar='H W')] = None,
    precision: PlanPrecision = 'fp16',
    detail: bool = True,
    version_compatible: bool = False,
    hardware_compatible: bool = False,
    rebuild: bool = False,
) -> None:
    """Build the TensorRT plans of a model file for this machine's GPU and keep them.

    They are kept where engines look for them: in ~/.cache/stdc_seg_ros/plans, or the same in
    $XDG_CACHE_HOME. One without the detail head and one with it: engines take the second while
    someone wants the detail map. A plan that fits already is left; one that does not is replaced,
    and what is different is said. TensorRT takes minutes. TensorRT-RTX, which is taken where there
    is no GPU or no TensorRT, takes seconds.

    :param model: the model file, int8 or float.
    :param size: height and width of the network's input; the model file's own where not given.
    :param precision: of the layers that are not int8.
    :param detail: build the plan with the detail head, too, where the model file has one.
    :param version_compatible: for later versions of TensorRT, too; slower.
    :param hardware_compatible: for all GPUs of compute capability 8.0 and later; slower.
    :param rebuild: build also what is there and fits.
    """
    file = read_model_file(model)
    network_size = check_network_size(size or file.metadata.default_size)
    try:
        gpu, no_gpu = find_gpu(), ''
    except EngineUnavailableError as error:
        gpu, no_gpu = None, str(error)
    tensorrt = find_tensorrt()
    target = built_for(tensorrt, gpu, hardware_compatible=hardware_compatible)
    print(
        f'{tensorrt}, for {target.name or "GPUs"} of compute capability '
        f'{target.compute_capability}' + (f'; {no_gpu}' if no_gpu else '')
    )
    folder = PlanCache()
    for with_detail in (False, True) if detail and file.has_detail else (False,):
        wanted = fingerprint_of(
            file,
            tensorrt,
            target,
            size=network_size,
            detail=with_detail,
            precision=precision,
            version_compatible=version_compatible,
        )
        if not rebuild and _is_there(folder, wanted):
            continue
        start = time.monotonic()
        plan = _build(file, tensorrt, gpu, wanted, hardware_compatible, folder)
        seconds = time.monotonic() - start
        types = (
            _verified(plan, tensorrt, file) if gpu is not None else 'not inspected without a GPU'
        )
        path = folder.store(plan)
        print(f'{path}: {len(plan.engine) / 1e6:.1f} MB in {seconds:.1f} s; {types}')


def _is_there(folder: PlanCache, wanted: PlanFingerprint) -> bool:
    what = f'{wanted.size}, {wanted.precision}{", with detail" if wanted.detail else ""}'
    try:
        if folder.find(wanted) is not None:
            print(f'{what}: there is a plan that fits (--rebuild builds it anew)')
            return True
    except PlanFileError as error:
        print(f'{what}: {error}')
        return False
    if differences := folder.replaced(wanted):
        print(f'{what}: the plan that is there does not fit: {"; ".join(differences)}')
    return False


def _build(
    file: ModelFile,
    tensorrt: TensorRT,
    gpu: Gpu | None,
    wanted: PlanFingerprint,
    hardware_compatible: bool,
    folder: PlanCache,
) -> Plan:
    tasks: dict[str, TaskID] = {}
    with Progress(transient=True) as progress:

        def show(phase: str, done: int, total: int) -> None:
            if phase not in tasks:
                tasks[phase] = progress.add_task(phase)
            progress.update(tasks[phase], completed=done, total=total, visible=done < total)

        return build_plan(
            file,
            tensorrt,
            gpu,
            size=wanted.size,
            detail=wanted.detail,
            precision=wanted.precision,
            version_compatible=wanted.version_compatible,
            hardware_compatible=hardware_compatible,
            timing_cache=folder.timing_cache(wanted),
            on_progress=show,
        )


def _verified(plan: Plan, tensorrt: TensorRT, file: ModelFile) -> str:
    """Ask the inspector about the precision; what it says, in words."""
    counts = inspected_types(plan, tensorrt)
    if counts is None:
        return 'not inspected: TensorRT tells no types of it'
    check_types(plan, counts, int8=file.metadata.int8)
    return 'layers: ' + ', '.join(f'{number} {name}' for name, number in sorted(counts.items()))
