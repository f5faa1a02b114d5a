"""Several drives in one run: each by itself, then all together; what is done is not done again.

Counts add up, so the figures of all bags are exactly those of one bag with all their frames (but
for flicker: the last mask of a bag is not compared with the first of the next).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from stdc_core.atomic_file import atomic_path
from stdc_core.errors import InvalidArgumentError
from stdc_core.evaluation.drive_counts import DriveCounts
from stdc_core.evaluation.drive_figures import drive_figures
from stdc_seg_ros.bag.errors import BagError
from stdc_seg_ros.bag.salvage import is_bag
from stdc_seg_ros.evaluation.files import FIGURES_FILE, known
from stdc_seg_ros.evaluation.report import figure_words
from stdc_seg_ros.evaluation.result import LATENCY_STAGE

SHOWN = ('miou', 'pixel_accuracy', 'timely_miou', 'flicker', 'changed', 'ece', 'p50_ms', 'p95_ms')


@dataclass(frozen=True)
class BagResult:
    """What was found on one bag, as its files have it.

    :param name: of its folder under the output.
    """

    name: str
    fields: Mapping[str, Any]

    @property
    def figures(self) -> dict[str, float]:
        """By name; NaN for what was not measured."""
        figures: Mapping[str, float | None] = self.fields['figures']
        return {k: float('nan') if value is None else value for k, value in figures.items()}


def find_bags(paths: Sequence[Path]) -> list[Path]:
    """Take bags as they are, and the bags that lie in folders.

    :raises BagError: a folder without bags, or two bags of one name.
    """
    bags: list[Path] = []
    for path in paths:
        if path.is_dir() and not is_bag(path):
            found = [child for child in sorted(path.iterdir()) if is_bag(child)]
            if not found:
                raise BagError(f'{path} is no bag (no metadata.yaml), and has none in it')
            bags += found
        else:
            bags.append(path)
    names = [bag.name for bag in bags]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BagError(
            f'several bags are called {", ".join(twice)}: evaluate them one by one, their results '
            'lie in folders of their names'
        )
    return bags


def fingerprint(bag: Path, choices: Mapping[str, object]) -> str:
    """Identify an evaluation: the files of the bag by size and time, and what was chosen."""
    files = sorted(bag.iterdir()) if bag.is_dir() else [bag]
    facts = [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    text = json.dumps([facts, choices], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def read_result(folder: Path) -> BagResult | None:
    """Read what an evaluation left; None where it did not end."""
    try:
        fields = json.loads((folder / FIGURES_FILE).read_text(encoding='utf-8'))
        DriveCounts.from_dict(fields['counts'])
    except (OSError, ValueError, KeyError, InvalidArgumentError):
        return None
    return BagResult(folder.name, fields)


def merged_figures(results: Sequence[BagResult]) -> tuple[dict[str, float], DriveCounts]:
    """Figures and counts of all bags together."""
    parts = [DriveCounts.from_dict(result.fields['counts']) for result in results]
    total = sum(parts[1:], parts[0])
    images = sum(result.fields['images'] for result in results)
    seconds = sum(result.fields['seconds'] for result in results)
    stage = LATENCY_STAGE[results[0].fields['mode']]
    return drive_figures(total, stage, images, seconds), total


def write_overview(output: Path, results: Sequence[BagResult]) -> dict[str, float]:
    """Write ``report.html`` and ``figures.json`` of all bags.

    :return: the figures of all together.
    """
    figures, total = merged_figures(results)
    shown = [name for name in SHOWN if figures[name] == figures[name]]
    images = sum(result.fields['images'] for result in results)
    rows = [
        (result.name, result.fields['images'], result.fields['masks'], result.figures)
        for result in results
    ]
    environment = Environment(
        loader=PackageLoader('stdc_seg_ros.evaluation', '.'),
        autoescape=True,
        undefined=StrictUndefined,
    )
    page = environment.get_template('overview.html.j2').render(
        columns=[name.replace('_', ' ') for name in shown],
        bags=[(n, i, m, [figure_words(f, values[f]) for f in shown]) for n, i, m, values in rows],
        all=(images, total.masks, [figure_words(name, figures[name]) for name in shown]),
    )
    with atomic_path(output / 'report.html') as part:
        part.write_text(page, encoding='utf-8')
    fields = {
        'bags': {result.name: result.fields['figures'] for result in results},
        'images': images,
        'figures': {name: known(value) for name, value in figures.items()},
        'counts': total.to_dict(),
    }
    with atomic_path(output / FIGURES_FILE) as part:
        part.write_text(json.dumps(fields, indent=1, allow_nan=False) + '\n', encoding='utf-8')
    return figures


def overview_lines(results: Sequence[BagResult], figures: Mapping[str, float]) -> Iterator[str]:
    """Say the figures of each bag and of all."""
    for name, values in [*((r.name, r.figures) for r in results), ('all', figures)]:
        words = [f'{f} {figure_words(f, values[f])}' for f in SHOWN if values[f] == values[f]]
        yield f'{name}: {", ".join(words)}'
