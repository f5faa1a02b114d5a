"""Where an OpenVINO network's time goes, layer by layer, against this processor's int8 peak."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table

from stdc_core.atomic_file import atomic_path
from stdc_core.benchmark.int8_peak import PEAK_MACS
from stdc_core.benchmark.layer_profile import Layer, LayerProfile, profile_layers
from stdc_core.benchmark.machine import machine
from stdc_core.command_line.run_command import run_command
from stdc_core.errors import UserError
from stdc_core.geometry import Size
from stdc_core.model_file import read_model_file

WIDTH = 128  # of the tables, in a file as on a screen


def layers(
    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar='MODEL')],
    size: Annotated[tuple[int, int] | None, tyro.conf.arg(metavar='H W')] = None,
    threads: int = 2,
    rounds: int = 50,
    json_file: Annotated[Path | None, tyro.conf.arg(metavar='PATH', name='json')] = None,
) -> None:
    """Time every layer, in turns with one convolution that int8 kernels like: the peak.

    The floor of a layer is its multiply-accumulates over that peak. Medians of all rounds; on a
    busy machine the minima say more.

    :param model: model file, float or int8.
    :param size: height and width of the network's input; the model file's own where not given.
    :param threads: of OpenVINO.
    :param rounds: timed ones.
    :param json_file: also write everything to this file.
    """
    if rounds < 1:
        raise UserError(f'rounds is {rounds}, expected at least 1')
    file = read_model_file(model)
    network_size = Size(*(size or file.metadata.default_size))
    setting = {
        **machine(),
        'model': model.name,
        'int8': file.metadata.int8,
        'network size': str(network_size),
        'threads': threads,
        'rounds': rounds,
    }
    profile = profile_layers(file, size=network_size, threads=threads, rounds=rounds)
    console = Console(width=WIDTH)
    console.print(_layer_table(profile))
    console.print(_kind_table(profile))
    peaks = (PEAK_MACS / ms / 1e6 for ms in (profile.peak.median_ms, profile.peak.min_ms))
    peak, best = (f'{gmacs:.0f} GMAC/s' for gmacs in peaks)
    print(
        f'{model.name} at {network_size}, {threads} threads: network '
        f'{profile.network.median_ms:.2f} ms (min {profile.network.min_ms:.2f}), its layers '
        f'{profile.layers_ms:.2f}; int8 peak {peak} (at best {best})'
    )
    if json_file is not None:
        with atomic_path(json_file) as part:
            part.write_text(json.dumps({'setting': setting, **profile.to_dict()}, indent=1) + '\n')
        print(f'written to {json_file}')


def _layer_table(profile: LayerProfile) -> Table:
    table = Table('layer', 'kind', 'kernel', 'type')
    table.columns[0].no_wrap = True
    for heading in ('MMAC', 'ms', 'min', 'share', 'floor ms'):
        table.add_column(heading, justify='right')
    for layer in profile.layers:
        table.add_row(
            layer.name,
            layer.kind,
            layer.kernel,
            layer.precision,
            f'{layer.macs / 1e6:.1f}' if layer.macs else '',
            f'{layer.timing.median_ms:.3f}',
            f'{layer.timing.min_ms:.3f}',
            f'{layer.timing.median_ms / profile.layers_ms:.1%}',
            f'{profile.floor_ms(layer):.3f}' if layer.macs else '',
        )
    return table


def _kind_table(profile: LayerProfile) -> Table:
    table = Table('kind')
    for heading in ('layers', 'ms', 'sum of minima', 'share', 'floor ms'):
        table.add_column(heading, justify='right')
    convolutions = [layer for layer in profile.layers if layer.convolution]
    rest = [layer for layer in profile.layers if not layer.convolution]
    for name, members in (
        *profile.by_kind().items(),
        ('all convolutions', convolutions),
        ('everything else', rest),
    ):
        if name == 'all convolutions':
            table.add_section()
        table.add_row(name, *_sums(profile, members))
    return table


def _sums(profile: LayerProfile, members: list[Layer] | tuple[Layer, ...]) -> list[str]:
    milliseconds = sum(layer.timing.median_ms for layer in members)
    floor = sum(profile.floor_ms(layer) for layer in members)
    return [
        str(len(members)),
        f'{milliseconds:.2f}',
        f'{sum(layer.timing.min_ms for layer in members):.2f}',
        f'{milliseconds / profile.layers_ms:.1%}',
        f'{floor:.2f}' if floor else '',
    ]


if __name__ == '__main__':
    sys.exit(run_command('layers', lambda: tyro.cli(layers, prog='benchmark/layers.py')))
