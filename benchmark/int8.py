"""Time a float model file and its int8 one in turns: network and whole frames, 720p in and out."""

from __future__ import annotations

import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import tyro

from stdc_core.command_line.run_command import run_command
from stdc_core.engines import Backend, open_engine
from stdc_core.synthetic.drive import street_picture

FRAME = (720, 1280)
BACKENDS: tuple[Backend, ...] = ('openvino', 'onnxruntime')


def compare(
    exact: Annotated[Path, tyro.conf.Positional],
    int8: Annotated[Path, tyro.conf.Positional],
    size: tuple[int, int] = (360, 480),
    threads: int = 2,
    rounds: int = 20,
) -> None:
    """Time both files in turns and print medians and minima, milliseconds.

    :param exact: the float model file.
    :param int8: made of it by ``stdc_seg quantize``.
    :param size: of the network's input.
    :param threads: of every engine.
    :param rounds: of timing.
    """
    frame = street_picture(FRAME)
    with ExitStack() as stack:
        engines = {
            f'{backend} {path.name}': stack.enter_context(
                open_engine(path, backend, size=size, threads=threads)
            )
            for backend in BACKENDS
            for path in (exact, int8)
        }
        for engine in engines.values():
            engine.infer(frame)
        whole: dict[str, list[float]] = {name: [] for name in engines}
        network: dict[str, list[float]] = {name: [] for name in engines}
        for _ in range(rounds):
            for name, engine in engines.items():
                start = time.perf_counter()
                result = engine.infer(frame)
                whole[name].append(1e3 * (time.perf_counter() - start))
                network[name].append(result.stage_ms.network)
    for name in engines:
        print(
            f'{name}: whole frame {statistics.median(whole[name]):.1f} (min '
            f'{min(whole[name]):.1f}), network {statistics.median(network[name]):.1f} (min '
            f'{min(network[name]):.1f}) ms'
        )


if __name__ == '__main__':
    sys.exit(run_command('int8', lambda: tyro.cli(compare)))
