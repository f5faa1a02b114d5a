"""``stdc_seg info``: what is in a model file."""

from pathlib import Path
from typing import Annotated

import rich
import tyro
from rich.markup import escape
from rich.table import Table

from stdc_core.labels import LabelSet
from stdc_core.model_file import read_model_file


def info(
    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar='MODEL')],
) -> None:
    """Show what is in a model file.

    :param model: the model file.
    """
    file = read_model_file(model)
    metadata = file.metadata
    outputs = 'labels, confidence' + (', detail' if file.has_detail else ' (no detail head)')
    for name, value in {
        'file': f'{file.path} ({file.path.stat().st_size / 1e6:.1f} MB)',
        'SHA-256': file.sha256,
        'network': ', '.join(f'{key} {value}' for key, value in metadata.architecture.items()),
        'weights': f'{file.count_weights():,}, batch norm folded'
        + ('' if metadata.trained else ', RANDOM'),
        'default size': f'{metadata.default_size} (height x width)',
        'resize': metadata.resize,
        'align_corners': metadata.align_corners,
        'outputs': outputs,
        'recipe': _listed(metadata.recipe),
        'metrics': _listed(metadata.metrics),
        'checkpoint SHA-256': metadata.source_sha256 or 'none',
        'exported by': _listed(metadata.versions),
        'int8': 'no' if not metadata.int8 else '',
    }.items():
        print(f'{name:20}{value}')
    for name, value in metadata.quantization.items():
        print(f'  {name:18}{value}')
    rich.print(_classes(metadata.labels))


def _listed(fields: object) -> str:
    assert isinstance(fields, dict)
    return ', '.join(f'{key}: {value}' for key, value in fields.items()) or 'none'


def _classes(labels: LabelSet) -> Table:
    title = f"label set '{escape(labels.name)}', ignore id {labels.ignore_id}"
    table = Table('id', 'name', 'RGB', '', title=title, title_justify='left')
    for number, (name, color) in enumerate(zip(labels.names, labels.colors, strict=True)):
        swatch = f'[rgb({color[0]},{color[1]},{color[2]})]██████'
        table.add_row(str(number), escape(name), ' '.join(map(str, color)), swatch)
    return table
