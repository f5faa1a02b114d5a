"""Check a data set before training: exit code 0 if it is fit, 1 if not, 2 for wrong usage."""

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault('OPENCV_LOG_LEVEL', 'SILENT')  # read on import: our errors are one line

import rich
import tyro
from rich.markup import escape
from rich.progress import MofNCompleteColumn, Progress
from rich.table import Table

from stdc_core.atomic_file import atomic_path
from stdc_core.command_line.run_command import run_command
from stdc_core.training.datasets import (
    DatasetReport,
    Layout,
    Problem,
    check_dataset,
    open_dataset,
)
from stdc_core.training.datasets.class_weights import FORMULA

SHOWN = 10  # kinds of problems, overlaps, sizes and sequences that are named one by one
FILES_SHOWN = 3  # of each kind of problem


def check(
    path: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar='PATH')],
    layout: Layout = 'auto',
    json_file: Annotated[Path | None, tyro.conf.arg(metavar='PATH', name='json')] = None,
) -> None:
    """Read a whole data set once; show what is in it and all that is wrong with it.

    Splits overlap where they share the name of an image or every pixel of one.

    :param path: folder of the data set, or the YAML file that describes it.
    :param layout: how it is laid out; auto looks at the names of files and folders.
    :param json_file: also write everything found to this file.
    """
    started = time.monotonic()
    dataset = open_dataset(path, layout, allow_unpaired=True)
    with Progress(
        *Progress.get_default_columns(), MofNCompleteColumn(), transient=True
    ) as progress:
        task = progress.add_task(f'reading {escape(dataset.name)}')
        report = check_dataset(
            dataset, lambda done, total: progress.update(task, completed=done, total=total)
        )
    pairs = sum(split.pairs for split in report.splits)
    _print(report)
    verdict = 'fit for training' if report.ok else 'NOT fit for training'
    print(f'{pairs:,} pairs read in {time.monotonic() - started:.1f} s: {verdict}')
    if json_file is not None:
        with atomic_path(json_file) as part:
            part.write_text(json.dumps(report.to_dict(), indent=1) + '\n')
        print(f'written to {json_file}')
    report.require_ok()


def _print(report: DatasetReport) -> None:
    rich.print(_splits(report))
    rich.print(_classes(report))
    for note in report.notes:
        _print_line('note', 'yellow', note)
    _print_problems(report)
    for overlap in report.overlaps[:SHOWN]:
        _print_line('overlap', 'red', str(overlap))
    if len(report.overlaps) > SHOWN:
        _print_line('overlap', 'red', f'and {len(report.overlaps) - SHOWN:,} more')


def _splits(report: DatasetReport) -> Table:
    title = f"{report.name}, label set '{report.labels.name}'"
    table = Table('split', title=escape(title), title_justify='left')
    table.add_column('pairs', justify='right')
    for column in ('sizes (height x width)', 'ignored', 'sequences'):
        table.add_column(column)
    for split in report.splits:
        table.add_row(
            escape(split.name),
            f'{split.pairs:,}',
            _counts(split.sizes),
            f'{split.ignored_share:.1%}',
            _counts(split.sequences),
        )
    return table


def _counts(counts: Mapping[Any, int]) -> str:
    shown = [f'{name}: {count:,}' for name, count in list(counts.items())[:SHOWN]]
    more = [f'and {len(counts) - SHOWN} more'] if len(counts) > SHOWN else []
    return escape(', '.join(shown + more))


def _classes(report: DatasetReport) -> Table:
    table = Table(
        *('id', 'class'),
        title='share of the labelled pixels, and images with the class',
        title_justify='left',
        caption=f'weight = {FORMULA} of {report.training_split}',
        caption_justify='left',
    )
    for split in report.splits:
        table.add_column(escape(split.name), justify='right')
        table.add_column('images', justify='right')
    table.add_column('weight', justify='right')
    weights = report.class_weights or (float('nan'),) * len(report.labels)
    for class_id, name in enumerate(report.labels.names):
        cells = []
        for split in report.splits:
            labelled = sum(split.class_pixels)
            share = split.class_pixels[class_id] / labelled if labelled else 0.0
            cells += [f'{share:.2%}', f'{split.class_images[class_id]:,}']
        table.add_row(str(class_id), escape(name), *cells, f'{weights[class_id]:.1f}')
    return table


def _print_problems(report: DatasetReport) -> None:
    """One line a kind of fault, the most frequent first, with the first files that have it."""
    kinds: dict[tuple[str, str, str], list[Problem]] = {}
    for problem in report.problems:
        kinds.setdefault((problem.found, problem.expected, problem.fix), []).append(problem)
    by_count = sorted(kinds.items(), key=lambda kind: -len(kind[1]))
    for (found, expected, fix), alike in by_count[:SHOWN]:
        pixels = sum(problem.pixels for problem in alike)
        count = f'{len(alike):,} file{"s" if len(alike) > 1 else ""}'
        count += f', {pixels:,} pixels' if pixels else ''
        _print_line('problem', 'red', f'{found} ({count}), expected {expected}: {fix}')
        for problem in alike[:FILES_SHOWN]:
            print(f'  {problem.path}')
    if len(kinds) > SHOWN:
        _print_line('problem', 'red', f'and {len(kinds) - SHOWN:,} other kinds, all are in --json')


def _print_line(kind: str, color: str, text: str) -> None:
    rich.get_console().print(f'[{color}]{kind}[/] {escape(text)}', soft_wrap=True, highlight=False)


def main() -> int:
    """Run the command line of this process.

    :return: the exit code.
    """
    return run_command('check_dataset', lambda: tyro.cli(check, prog='check_dataset.py'))


if __name__ == '__main__':
    sys.exit(main())
