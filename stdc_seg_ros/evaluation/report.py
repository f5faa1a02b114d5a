"""One HTML page that says how good, how fast and how honest a drive's masks were."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray

from stdc_core.atomic_file import atomic_path
from stdc_core.evaluation.drive_figures import FIGURES
from stdc_seg_ros.evaluation.charts import latency_bars, reliability, timeline
from stdc_seg_ros.evaluation.moments import Moment, Moments
from stdc_seg_ros.evaluation.result import LATENCY_STAGE, DriveEvaluation

PICTURE_WIDTH = 400  # pixels; what a page shows
JPEG_QUALITY = 85
NOT_AVAILABLE = 'n/a'
STAGES = {
    'arrival': 'image published to mask received',
    'transport': 'image on its way to the node',
    'wait': 'waiting for the engine',
    'decode': 'reading the message',
    'resize': 'resize',
    'network': 'network',
    'tail': 'logits to labels',
    'engine': 'the engine: the last three together',
    'publish_mask': 'publishing the mask',
    'whole': 'image published to mask published',
}
LATENCY_NOTES = {
    'offline': 'Of every frame, percentiles within 0.5 %.',
    'replay': 'The first row is measured by another process, from the time the middleware gives '
    'an image to the arrival of its mask; the others by the node, over its last frames.',
}
LEDGER_NOTES = {
    'offline': 'Rejected: no image that can be read.',
    'replay': 'published = processed + replaced + rejected + failed + lost + in flight. Replaced: '
    'a newer frame came before the engine was free.',
}


def write_report(path: Path, title: str, evaluation: DriveEvaluation, moments: Moments) -> None:
    """Write the page; it is one file, with its pictures in it."""
    environment = Environment(
        loader=PackageLoader('stdc_seg_ros.evaluation', '.'),
        autoescape=True,
        undefined=StrictUndefined,
    )
    page = environment.get_template('report.html.j2').render(
        title=title, **_contents(evaluation, moments)
    )
    with atomic_path(path) as part:
        part.write_text(page, encoding='utf-8')


def _contents(evaluation: DriveEvaluation, moments: Moments) -> dict[str, Any]:
    engine = evaluation.engine
    how = 'every frame through the engine'
    if evaluation.mode == 'replay':
        how = f'replayed through the node at {evaluation.rate:g} times its rate'
    scored = evaluation.counts.labeled > 0
    return {
        'subtitle': f'{evaluation.bag}, topic {evaluation.topic}, {how}; '
        f'{engine.get("backend", NOT_AVAILABLE)} on {engine.get("device", NOT_AVAILABLE)}, '
        f'{engine.get("precision", NOT_AVAILABLE)}',
        'notes': evaluation.notes,
        'cards': _cards(evaluation),
        'along': _rows(moments.along),
        'worst': _rows(moments.worst),
        'best': _rows(moments.best),
        'flicker': _rows(moments.flicker),
        'agreement_note': _agreement_note(moments.along),
        'score_note': _score_note(evaluation),
        'scored': scored,
        'boundary_px': [boundary.width_px for boundary in evaluation.counts.boundaries],
        'classes': _class_rows(evaluation),
        'figures': [
            (name, figure_words(name, value), FIGURES[name])
            for name, value in evaluation.figures.items()
        ],
        'charts': _charts(evaluation),
        'matrix': _matrix(evaluation) if scored else None,
        'ledger': list(evaluation.ledger.items()),
        'ledger_note': LEDGER_NOTES[evaluation.mode],
        'latencies': [
            [words, *evaluation.stages[stage]]
            for stage, words in STAGES.items()
            if stage in evaluation.stages
        ],
        'latency_note': LATENCY_NOTES[evaluation.mode],
        'facts': list(engine.items()),
    }


def figure_words(name: str, value: float) -> str:
    """Write a figure with its unit; a share as percent."""
    if math.isnan(value):
        return NOT_AVAILABLE
    if name.endswith('_ms'):
        return f'{value:.1f} ms'
    return f'{value:.2f}' if name == 'masks_per_s' else f'{100 * value:.1f} %'


def _cards(evaluation: DriveEvaluation) -> list[tuple[str, str]]:
    figures = evaluation.figures
    images = 'images played' if evaluation.mode == 'replay' else 'images'
    names = {
        'masks_per_s': 'masks a second',
        'p50_ms': 'latency p50',
        'p95_ms': 'latency p95',
        'miou': 'mIoU',
        'timely_miou': 'timely mIoU',
        'flicker': 'flicker',
        'changed': 'pixels that change',
        'ece': 'calibration error',
    }
    if evaluation.counts.labeled:
        del names['changed']  # flicker says more
    cards = [(str(len(evaluation.rows)), images), (str(evaluation.counts.masks), 'masks')]
    cards += [
        (figure_words(name, figures[name]), words)
        for name, words in names.items()
        if not math.isnan(figures[name])
    ]
    balance = evaluation.ledger.get('ledger balance', NOT_AVAILABLE)
    return [*cards, (balance, 'frames unaccounted for')]


def _score_note(evaluation: DriveEvaluation) -> str:
    counts, figures = evaluation.counts, evaluation.figures
    if not counts.labeled:
        return 'The bag has no labels, so nothing can be said about that.'
    words = (
        f'{counts.labeled} masks against the labels of the same stamp ({evaluation.truth}): mIoU '
        f'{figure_words("miou", figures["miou"])}, pixel accuracy '
        f'{figure_words("pixel_accuracy", figures["pixel_accuracy"])}.'
    )
    if not math.isnan(figures['timely_coverage']):
        words += (
            f' Against the labels that were current when each mask arrived: mIoU '
            f'{figure_words("miou", figures["timely_miou"])}, of '
            f'{figure_words("share", figures["timely_coverage"])} of the masks.'
        )
    return words


def _agreement_note(along: Sequence[Moment]) -> str:
    equal = sum(moment.agreement == 1 for moment in along)
    return (
        f'{equal} of these {len(along)} masks, as they came, equal to the last pixel what the '
        'engine makes of the frame by itself. Detail and confidence were computed for the page.'
    )


def _class_rows(evaluation: DriveEvaluation) -> list[dict[str, Any]]:
    counts, labels = evaluation.counts, evaluation.labels
    iou = counts.confusion.scores().iou
    boundaries = [boundary.scores().f_score for boundary in counts.boundaries]
    true = counts.confusion.counts.sum(1)
    return [
        {
            'name': name,
            'color': color,
            'iou': _percent(iou[index]),
            'width': 0 if math.isnan(iou[index]) else round(100 * iou[index]),
            'boundary': [_percent(scores[index]) for scores in boundaries],
            'share': _percent(true[index] / true.sum()) if true.sum() else NOT_AVAILABLE,
        }
        for index, (name, color) in enumerate(zip(labels.names, labels.colors, strict=True))
    ]


def _matrix(evaluation: DriveEvaluation) -> dict[str, Any]:
    names = list(evaluation.labels.names)
    counts = evaluation.counts.confusion.counts
    columns = len(names) + bool(counts[:, -1].any())  # the last is "no class"
    rows = []
    for index, name in enumerate(names):
        total = counts[index].sum()
        if not total:
            continue
        shares = (counts[index, :columns] / total).tolist()
        cells = [
            {
                'text': f'{100 * share:.0f}' if share >= 0.005 else '',
                'rgb': '37, 99, 168' if column == index else '194, 87, 26',
                'depth': f'{share:.2f}',
                'ink': '#fff' if share > 0.5 else '#1d2733',
            }
            for column, share in enumerate(shares)
        ]
        rows.append((name, cells))
    return {'columns': [*names, 'no class'][:columns], 'rows': rows}


def _charts(evaluation: DriveEvaluation) -> list[dict[str, Any]]:
    rows, counts = evaluation.rows, evaluation.counts
    start = min(row.stamp_ns for row in rows)
    seconds = [(row.stamp_ns - start) / 1e9 for row in rows]
    charts = []

    def add(title: str, svg: Any, words: str = '') -> None:
        charts.append({'title': title, 'svg': svg, 'words': words})

    if counts.labeled:
        title = 'mIoU and pixel accuracy, frame by frame'
        lines = [
            ('mIoU of the frame', [row.scores.miou for row in rows]),
            ('pixel accuracy', [row.scores.pixel_accuracy for row in rows]),
        ]
        add(title, timeline(title, seconds, lines), 'mIoU over the classes in the frame.')
    title = 'Flicker'
    changed = [('pixels that change class', [row.scores.changed for row in rows])]
    if any(row.scores.flicker is not None for row in rows):
        changed.append(('… though the truth stays', [row.scores.flicker for row in rows]))
    add(title, timeline(title, seconds, changed), 'Share of the pixels, from mask to mask.')
    histogram = counts.latencies.get(LATENCY_STAGE[evaluation.mode])
    if histogram is not None:
        add('Latency', latency_bars('Latency', histogram), 'Frames by how long they took.')
        title = 'Latency over the drive'
        missing = [s for s, row in zip(seconds, rows, strict=True) if row.latency_ms is None]
        svg = timeline(title, seconds, [('ms', [row.latency_ms for row in rows])], missing)
        words = 'Milliseconds.'
        if missing:
            words += f' Red ticks: {len(missing)} images without a mask.'
        add(title, svg, words)
    calibration = counts.calibration.scores()
    if not math.isnan(calibration.ece):
        words = (
            'Below the diagonal: surer than it is right; above: right more often than it says. '
            'Expected calibration error '
            f'{100 * calibration.ece:.1f} %; mean confidence {100 * calibration.confidence:.1f} %,'
            f' accuracy {100 * calibration.accuracy:.1f} %.'
        )
        add('How honest the confidence is', reliability('Reliability', calibration.curve), words)
    return charts


def _rows(moments: Sequence[Moment]) -> list[Mapping[str, Any]]:
    return [
        {
            'words': _moment_words(moment),
            'pictures': [(name, _data_url(shown)) for name, shown in moment.pictures.items()],
        }
        for moment in moments
    ]


def _moment_words(moment: Moment) -> str:
    scores = moment.row.scores
    words = [f'{moment.at_s:.2f} s']
    for name, value in (('mIoU', scores.miou), ('flicker', scores.flicker_or_changed)):
        if value is not None:
            words.append(f'{name} {100 * value:.1f} %')
    if moment.row.latency_ms is not None:
        words.append(f'{moment.row.latency_ms:.0f} ms')
    return ', '.join(words)


def _data_url(picture: NDArray[np.uint8]) -> str:
    height, width = picture.shape[:2]
    if width > PICTURE_WIDTH:
        size = (PICTURE_WIDTH, max(1, round(height * PICTURE_WIDTH / width)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    _, data = cv2.imencode('.jpg', cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    return 'data:image/jpeg;base64,' + base64.b64encode(data.tobytes()).decode()


def _percent(value: float) -> str:
    return NOT_AVAILABLE if math.isnan(value) else f'{100 * value:.1f}'
