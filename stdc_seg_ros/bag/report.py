"""One HTML page that says how good, how fast and how honest a replay was."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray

from stdc_core.atomic_file import atomic_path
from stdc_core.labels import LabelSet
from stdc_core.timing import LatencySummary
from stdc_seg_ros.bag.replay import ReplayResult
from stdc_seg_ros.bag.scoring import BOUNDARY_PX, MaskScores, SamplePictures

PICTURE_WIDTH = 440  # pixels; what a page shows
JPEG_QUALITY = 88
NOT_AVAILABLE = 'n/a'
LEDGER = (
    'frames published',
    'frames processed',
    'frames replaced',
    'frames rejected',
    'frames failed',
    'frames lost',
    'frames in flight',
    'ledger balance',
)
STAGES = {
    'transport': 'image on its way to the node',
    'wait': 'waiting for the engine',
    'decode': 'reading the message',
    'resize': 'resize',
    'network': 'network',
    'tail': 'logits to labels',
    'publish_mask': 'publishing the mask',
    'whole': 'image published to mask published',
}
LATENCY_NOTE = (
    'The first row is measured by another process, from the time the middleware gives an image to '
    'the arrival of its mask; the others by the node, over its last frames.'
)
ENGINE_FACTS = (
    'backend',
    'device',
    'precision',
    'network size',
    'threads',
    'tail',
    'self-check agreement',
    'model',
    'model SHA-256',
)


@dataclass(frozen=True)
class Report:
    """What a page is about.

    :param title: its heading.
    :param replay: what was measured.
    :param labels: classes of the masks.
    :param scores: None where the bag has no labels.
    :param pictures: to be shown.
    :param bag: that was replayed.
    """

    title: str
    bag: Path
    replay: ReplayResult
    labels: LabelSet
    scores: MaskScores | None
    pictures: Sequence[SamplePictures]


def write_report(path: Path, report: Report) -> None:
    """Write the page; it is one file, with its pictures in it."""
    environment = Environment(
        loader=PackageLoader('stdc_seg_ros.bag', '.'), autoescape=True, undefined=StrictUndefined
    )
    page = environment.get_template('report.html.j2').render(_contents(report))
    with atomic_path(path) as part:
        part.write_text(page, encoding='utf-8')


def _contents(report: Report) -> dict[str, Any]:
    replay, scores = report.replay, report.scores
    engine = replay.engine
    columns = ['frame', 'mask']
    if any(picture.truth is not None for picture in report.pictures):
        columns.insert(1, 'truth')
    if all(picture.detail is not None for picture in report.pictures):
        columns.append('detail (boundaries)')
    columns.append('confidence')
    score_note = 'The bag has no labels, so nothing can be said about that.'
    if scores is not None:
        score_note = (
            f'{scores.frames} masks against the labels of the same stamp: mIoU '
            f'{_percent(scores.regions.miou)} %, pixel accuracy '
            f'{_percent(scores.regions.pixel_accuracy)} %, boundary F '
            f'{_percent(scores.boundary.mean_f_score)} % ({BOUNDARY_PX} px).'
        )
    return {
        'title': report.title,
        'subtitle': f'{report.bag}, topic {replay.topic}, '
        f'{engine.get("backend", NOT_AVAILABLE)} on {engine.get("device", NOT_AVAILABLE)}, '
        f'{engine.get("precision", NOT_AVAILABLE)}',
        'cards': _cards(report),
        'columns': columns,
        'pictures': [
            [_data_url(picture) for picture in _row(sample, columns)] for sample in report.pictures
        ],
        'picture_note': _picture_note(report.pictures),
        'score_note': score_note,
        'boundary_px': BOUNDARY_PX,
        'classes': [] if scores is None else _class_rows(report.labels, scores),
        'ledger': [(name, replay.camera.get(name, NOT_AVAILABLE)) for name in LEDGER],
        'latencies': _latency_rows(replay.seen.latency, replay.camera),
        'latency_note': LATENCY_NOTE,
        'facts': [(name, engine.get(name, NOT_AVAILABLE)) for name in ENGINE_FACTS],
    }


def _cards(report: Report) -> list[tuple[str, str]]:
    seen, scores = report.replay.seen, report.scores
    rate = seen.masks / report.replay.seconds if report.replay.seconds else math.nan
    cards = [
        (str(report.replay.images), 'images played'),
        (str(seen.masks), 'masks received'),
        (f'{rate:.1f}', 'masks a second'),
        (NOT_AVAILABLE if seen.latency is None else f'{seen.latency.p50:.0f} ms', 'latency p50'),
        (NOT_AVAILABLE if seen.latency is None else f'{seen.latency.p95:.0f} ms', 'latency p95'),
    ]
    if scores is not None:
        cards.append((f'{_percent(scores.regions.miou)} %', 'mIoU'))
    cards.append(
        (report.replay.camera.get('ledger balance', NOT_AVAILABLE), 'frames unaccounted for')
    )
    return cards


def _class_rows(labels: LabelSet, scores: MaskScores) -> list[dict[str, Any]]:
    rows = []
    for index, (name, color) in enumerate(zip(labels.names, labels.colors, strict=True)):
        iou = float(scores.regions.iou[index])
        rows.append(
            {
                'name': name,
                'color': color,
                'iou': _percent(iou),
                'width': 0 if math.isnan(iou) else round(100 * iou),
                'boundary': _percent(float(scores.boundary.f_score[index])),
            }
        )
    return rows


def _latency_rows(seen: LatencySummary | None, camera: Mapping[str, str]) -> list[list[str]]:
    figures = ('p50', 'p95', 'p99', 'max')
    arrived = [NOT_AVAILABLE] * 4 if seen is None else [f'{getattr(seen, f):.1f}' for f in figures]
    rows = [['image published to mask received', *arrived]]
    for stage, words in STAGES.items():
        values = [camera.get(f'{stage} {figure} (ms)', NOT_AVAILABLE) for figure in figures]
        rows.append([words, *values])
    return rows


def _picture_note(pictures: Sequence[SamplePictures]) -> str:
    equal = sum(picture.agreement == 1 for picture in pictures)
    return (
        f'{equal} of these {len(pictures)} masks, as they came over the topic, equal to the last '
        'pixel what the engine makes of the frame without ROS. Detail and confidence were '
        'computed for the page.'
    )


def _row(sample: SamplePictures, columns: Sequence[str]) -> list[NDArray[np.uint8]]:
    empty = np.full_like(sample.frame, 240)
    by_name = {
        'frame': sample.frame,
        'truth': empty if sample.truth is None else sample.truth,
        'mask': sample.mask,
        'detail (boundaries)': empty if sample.detail is None else sample.detail,
        'confidence': sample.confidence,
    }
    return [by_name[column] for column in columns]


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
