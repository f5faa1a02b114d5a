"""What is compared: networks, tails, whole frames, each against the authors' way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stdc_core.benchmark.interleave import interleave
from stdc_core.benchmark.machine import machine
from stdc_core.benchmark.report import Group, Report
from stdc_core.engines import (
    Backend,
    EngineError,
    InferenceEngine,
    Precision,
    StageTimes,
    open_engine,
)
from stdc_core.geometry import FrameGeometry, GridSampling, Size
from stdc_core.model_file import ModelFile, logit_grid
from stdc_core.upsample import TAIL, mixed_share, upsample_labels, upsample_labels_numpy

if TYPE_CHECKING:  # torch is not needed to time the other engines
    from stdc_core.benchmark.authors_way import AuthorsWay

ENGINES: tuple[tuple[Backend, Precision], ...] = (
    ('openvino', 'fp32'),
    ('openvino', 'bf16'),
    ('onnxruntime', 'fp32'),
    ('torch', 'fp32'),
    ('torch', 'bf16'),
)
INT8_BACKENDS: tuple[Backend, ...] = ('openvino', 'onnxruntime')
AUTHORS = "authors' way"

Cases = dict[str, Callable[[], object]]


def run_suite(
    model: ModelFile,
    frame: NDArray[np.uint8],
    *,
    int8: ModelFile | None = None,
    size: Size,
    threads: int,
    rounds: int,
    on_group: Callable[[str], None] = lambda name: None,
) -> Report:
    """Time every engine and tail that is installed here.

    :param model: its network makes the real logits.
    :param frame: uint8, BGR, shape (H, W, 3).
    :param int8: made of ``model`` by ``stdc_seg quantize``, timed beside it.
    :param size: of the network's input.
    :param threads: for every network; tails run on one.
    :param rounds: of each group.
    :param on_group: called with the name of each group before it is timed.
    """
    frame_size = Size(*frame.shape[:2])
    groups = []

    def time_group(name: str, what: str, cases: Cases) -> None:
        on_group(name)
        groups.append(Group(name, what, interleave(cases, rounds)))

    with ExitStack() as stack:
        engines, left_out = _open_engines(stack, model, int8, size, threads)
        authors = _authors_way(model, size, threads)
        if authors is None:
            left_out.append(f'{AUTHORS}: torch is not installed')

        image = np.empty((*size, 3), np.uint8)
        FrameGeometry(frame_size, size, model.metadata.resize).resize(frame, image, 'bgr')
        networks: Cases = {} if authors is None else {AUTHORS: authors.network}
        for name, engine in engines.items():
            networks[name] = _bind(engine.run_network, image)
        what = f'{size} image to logits at 1/8; engines take uint8 and normalise'
        time_group('network', what, networks)

        real = next(iter(engines.values())).run_network(image).logits.copy()
        noise = np.random.default_rng(0).normal(size=real.shape).astype(np.float32)
        network_logits = 'real logits' if model.metadata.trained else 'logits of random weights'
        for kind, logits in ((network_logits, real), ('random noise', noise)):
            for out_size in dict.fromkeys((size, frame_size)):
                sampling = FrameGeometry(out_size, size, model.metadata.resize).sampling(
                    logit_grid(size), model.metadata.align_corners
                )
                time_group(
                    f'tail, {kind}, {out_size}',
                    f'logits to labels; {mixed_share(logits):.1%} of the cells are mixed',
                    dict(_tails(logits, sampling, authors)),
                )

        stages: dict[str, list[StageTimes]] = {name: [] for name in engines}
        frames: Cases = {} if authors is None else {AUTHORS: _bind(authors.whole_frame, frame)}
        for name, engine in engines.items():
            frames[name] = _record_stages(engine, frame, stages[name])
        what = f'{frame_size} bgr8 frame to labels of that size, network at {size}'
        time_group('whole frame', what, frames)

        setting = {
            **machine(),
            'model': model.path.name,
            'int8 model': 'none' if int8 is None else int8.path.name,
            'variant': model.metadata.architecture['variant'],
            'weights': 'trained' if model.metadata.trained else 'random',
            'classes': len(model.metadata.labels),
            'network size': str(size),
            'frame size': str(frame_size),
            'threads': threads,
            'rounds': rounds,
            'engines': {name: str(engine.info) for name, engine in engines.items()},
        }
    outside = {
        name: median((times.resize + times.tail) / times.total for times in recorded[1:])
        for name, recorded in stages.items()
    }
    return Report(setting, tuple(groups), outside, tuple(left_out))


def _open_engines(
    stack: ExitStack, model: ModelFile, int8: ModelFile | None, size: Size, threads: int
) -> tuple[dict[str, InferenceEngine], list[str]]:
    engines, left_out = {}, []
    cases = [(model, backend, precision) for backend, precision in ENGINES]
    if int8 is not None:
        cases += [(int8, backend, 'fp32') for backend in INT8_BACKENDS]
    for file, backend, precision in cases:
        try:
            engine = open_engine(file, backend, size=size, precision=precision, threads=threads)
        except EngineError as error:
            left_out.append(f'{file.path.name}, {backend} {precision}: {error}')
        else:
            engines[f'{backend} {engine.info.arithmetic}'] = stack.enter_context(engine)
    if not engines:
        raise EngineError('no engine runs here: ' + '; '.join(left_out))
    return engines, left_out


def _authors_way(model: ModelFile, size: Size, threads: int) -> AuthorsWay | None:
    try:
        from stdc_core.benchmark.authors_way import AuthorsWay
        from stdc_core.networks import STDCSegConfig
    except ImportError:
        return None
    return AuthorsWay(STDCSegConfig(**model.metadata.architecture), size, threads)


def _tails(
    logits: NDArray[np.float32], sampling: GridSampling, authors: AuthorsWay | None
) -> Iterator[tuple[str, Callable[[], object]]]:
    out = np.empty(sampling.size, np.uint8)
    if authors is not None:
        yield f'{AUTHORS} (torch upsample + argmax)', _bind(authors.tail, logits, sampling.size)
    if TAIL == 'numba':
        yield 'numba, cells skipped', _bind(upsample_labels, logits, sampling, out)
    yield 'numpy, cells skipped', _bind(upsample_labels_numpy, logits, sampling, out)


def _bind(function: Callable[..., object], *arguments: Any) -> Callable[[], object]:
    return lambda: function(*arguments)


def _record_stages(
    engine: InferenceEngine, frame: NDArray[np.uint8], times: list[StageTimes]
) -> Callable[[], object]:
    return lambda: times.append(engine.infer(frame).stage_ms)
