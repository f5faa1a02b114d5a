"""What issue 10 wants to see, and all times as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gpu_cases import AUTHORS
from gpu_endurance import Growth
from gpu_machine import Floors
from gpu_run import Run
from gpu_timing import Failure, Timing

from stdc_core.geometry import Size

ENGINES = ('torch-cuda fp16', 'tensorrt fp16')
WHOLE_FRAME_MS, TIMES_AS_FAST, NETWORK_MS = 0.6, 5.0, 0.4
PROCESS_MB = 8.0  # more than that is growth; of the GPU's memory anything is


@dataclass(frozen=True)
class Shown:
    """A figure and what was wanted of it.

    :param found: None where it was not measured.
    """

    what: str
    found: float | None
    wanted: str
    met: bool | None


def must_show(parts: Mapping[str, Any], size: Size) -> list[Shown]:
    """Compare with the issue's figures; of our engines the faster one counts.

    :param parts: what a run found.
    """
    whole = parts.get(f'whole_frame_{size}_batch_1', {})
    network = parts.get(f'network_{size}_batch_1', {})
    frame_ms, network_ms = _fastest(whole, ENGINES), _fastest(network, ENGINES)
    rival_ms = _fastest(whole, (AUTHORS,))
    ratio = round(rival_ms / frame_ms, 2) if rival_ms and frame_ms else None
    shown = [
        _at_most(f'whole frame {size}, batch 1, p50, ms', frame_ms, WHOLE_FRAME_MS),
        Shown(
            f'times as fast as {AUTHORS}, same run',
            ratio,
            f'>= {TIMES_AS_FAST}',
            None if ratio is None else ratio >= TIMES_AS_FAST,
        ),
        _at_most(f'network only {size}, batch 1, p50, ms', network_ms, NETWORK_MS),
    ]
    for name, growth in parts.items():
        if isinstance(growth, Growth):
            what = f'{name.removeprefix("endurance_")} ({growth.count}), growth'
            shown.append(_at_most(f'{what} of the process, MB', growth.process_mb, PROCESS_MB))
            shown.append(_at_most(f"{what} of the GPU's memory, MB", growth.gpu_mb, 0.0))
    return shown


def table(run: Run, sizes: Sequence[Size], batches: Sequence[int]) -> str:
    """Show times of all sizes, floors beside them, then what the issue wants."""
    lines = [f'{"p50 and p99 of a call, ms":45}{"network":>18}{"whole frame":>18}']
    for batch in batches:
        for size in sizes:
            lines += _of_size(run.found, size, batch)
    lines.append('')
    for each in run.facts.get('must_show', []):
        verdict = {True: 'met', False: 'NOT MET', None: 'not measured'}[each.met]
        lines.append(f'{each.what}: {each.found} (wanted {each.wanted}): {verdict}')
    return '\n'.join(lines)


def _of_size(parts: Mapping[str, Any], size: Size, batch: int) -> Iterator[str]:
    key = f'{size}_batch_{batch}'
    compiled = parts.get(f'compiled_{key}', {})
    network = {**parts.get(f'network_{key}', {}), **compiled.get('network', {})}
    whole = {
        **parts.get(f'whole_frame_{key}', {}),
        **compiled.get('whole_frame', {}),
        **parts.get(f'plain_operations_{key}', {}),
    }
    yield f'{size}, batch {batch}'
    floor = parts.get('floors', {}).get(key)
    if isinstance(floor, Floors):
        yield (
            f'  floors: arithmetic {floor.arithmetic_ms}, bytes of the network '
            f'{floor.network_bytes_ms}, copies of frame and labels {floor.frame_copies_ms}'
        )
    for name in dict.fromkeys((*network, *whole)):
        figures = [network.get(name), whole.get(name)]
        in_turn = [isinstance(each, Timing) and each.way == 'in turn' for each in figures]
        which = {
            (True, True): f' ({batch} in turn)',
            (False, True): f' (whole frame: {batch} in turn)',
            (True, False): f' (network: {batch} in turn)',
        }.get((in_turn[0], in_turn[1]), '')
        yield f'  {name + which:43}' + ''.join(f'{_times(each):>18}' for each in figures)


def _times(timing: Timing | Failure | None) -> str:
    if isinstance(timing, Timing):
        return f'{timing.p50_ms:.3f} {timing.p99_ms:.3f}'
    return '-' if timing is None else 'failed'


def _fastest(timings: Mapping[str, Timing | Failure], names: Sequence[str]) -> float | None:
    found = [timings[name] for name in names if name in timings]
    return min((each.p50_ms for each in found if isinstance(each, Timing)), default=None)


def _at_most(what: str, found: float | None, most: float) -> Shown:
    return Shown(what, found, f'<= {most}', None if found is None else found <= most)
