"""An evaluation as JSON (figures and counts) and CSV (a row a frame), for other programs."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stdc_core import __version__
from stdc_core.atomic_file import atomic_path
from stdc_core.evaluation.latency_histogram import RELATIVE_ERROR
from stdc_seg_ros.evaluation.result import DriveEvaluation

FIGURES_FILE = 'figures.json'
STAGES = ('decode', 'resize', 'network', 'tail')
SCORES = ('miou', 'pixel_accuracy', 'changed', 'flicker', 'confidence')


def write_json(path: Path, evaluation: DriveEvaluation, fingerprint: str = '') -> None:
    """Write all figures; None stands for what was not measured.

    :param fingerprint: of the evaluation, to know it again.
    """
    fields = {**_contents(evaluation), 'fingerprint': fingerprint}
    text = json.dumps(fields, indent=1, allow_nan=False)
    with atomic_path(path) as part:
        part.write_text(text + '\n', encoding='utf-8')


def _contents(evaluation: DriveEvaluation) -> Mapping[str, Any]:
    counts, names = evaluation.counts, evaluation.labels.names
    calibration = counts.calibration.scores()
    return {
        'version': __version__,
        'mode': evaluation.mode,
        'rate': evaluation.rate,
        'bag': str(evaluation.bag),
        'topic': evaluation.topic,
        'truth': evaluation.truth,
        'images': len(evaluation.rows),
        'masks': counts.masks,
        'labeled_masks': counts.labeled,
        'figures': {name: known(value) for name, value in evaluation.figures.items()},
        'iou': dict(zip(names, map(known, counts.confusion.scores().iou), strict=True)),
        'boundary_f': {
            f'{scores.width_px}px': dict(zip(names, map(known, scores.f_score), strict=True))
            for scores in (boundary.scores() for boundary in counts.boundaries)
        },
        'reliability': [
            {'pixels': n, 'confidence': known(confidence), 'accuracy': known(accuracy)}
            for n, confidence, accuracy in calibration.curve
        ],
        'percentiles_relative_error': RELATIVE_ERROR,
        'ledger': evaluation.ledger,
        'stages_ms': {
            stage: dict(zip(('p50', 'p95', 'p99', 'max'), figures, strict=True))
            for stage, figures in evaluation.stages.items()
        },
        'seconds': evaluation.seconds,
        'engine_seconds': evaluation.engine_seconds,
        'engine': evaluation.engine,
        'labels': evaluation.labels.to_dict(),
        'notes': list(evaluation.notes),
        'counts': counts.to_dict(),
    }


def write_csv(path: Path, evaluation: DriveEvaluation) -> None:
    """Write a row a frame; an empty field was not measured."""
    with atomic_path(path) as part, part.open('w', newline='', encoding='utf-8') as stream:
        writer = csv.writer(stream)
        stages = [f'{stage}_ms' for stage in STAGES]
        writer.writerow(
            ['stamp_ns', 'outcome', 'labeled', *SCORES, 'latency_ms', *stages, 'timely_stamp_ns']
        )
        for row in evaluation.rows:
            figures = [getattr(row.scores, name) for name in SCORES]
            figures += [row.latency_ms, *(row.stages_ms.get(stage) for stage in STAGES)]
            words = ['' if value is None else f'{value:.6g}' for value in figures]
            timely = '' if row.timely_stamp_ns is None else row.timely_stamp_ns
            writer.writerow([row.stamp_ns, row.outcome, int(row.labeled), *words, timely])


def known(value: float) -> float | None:
    """None for NaN, which JSON does not have."""
    return None if math.isnan(value) else value
