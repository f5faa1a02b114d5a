"""Figures by their names, and limits to them."""

import math

import numpy as np
import pytest

from stdc_core.errors import InvalidArgumentError
from stdc_core.evaluation.drive_counts import DriveCounts, Masks
from stdc_core.evaluation.drive_figures import FIGURES, drive_figures, parse_limits

FOUND = {**dict.fromkeys(FIGURES, math.nan), 'miou': 0.59, 'p95_ms': 61.0}


@pytest.mark.parametrize(
    ('word', 'under', 'failure'),
    [
        ('miou=0.6', True, 'miou is 0.59, expected at least 0.6'),
        ('miou=0.59', True, None),
        ('p95_ms=60', False, 'p95_ms is 61, expected at most 60'),
        ('p95_ms=61', False, None),
        ('ece=0.1', False, 'ece was not measured, expected at most 0.1'),
    ],
)
def test_a_limit_says_how_it_is_not_kept(word, under, failure):
    [limit] = parse_limits([word], under=under)
    assert limit.failure(FOUND) == failure


@pytest.mark.parametrize('word', ['mIoU=0.6', 'speed=1', '=1'])
def test_an_unknown_figure_names_the_known_ones(word):
    with pytest.raises(InvalidArgumentError, match=r'unknown figure .* \(known: miou, pixel_'):
        parse_limits([word], under=True)


@pytest.mark.parametrize('word', ['miou', 'miou=', 'miou=high', 'miou=nan'])
def test_a_limit_is_a_number(word):
    with pytest.raises(InvalidArgumentError, match=r'expected e\.g\. miou=0\.6'):
        parse_limits([word], under=True)


def row(*values):
    return np.array([values], np.uint8)


def test_every_figure_of_a_drive_made_by_hand():
    truth = row(0, 0, 0, 0, 1, 1, 1, 1)
    edge = row(0, 0, 0, 255, 255, 0, 0, 0)
    sure_and_late = Masks(row(0, 0, 0, 0, 0, 0, 1, 1), truth, np.full_like(truth, 255), edge)
    truth_after = row(255, 0, 0, 0, 1, 1, 1, 1)
    unsure_and_right = Masks(truth, truth_after, np.zeros_like(truth), np.zeros_like(truth))
    counts = DriveCounts(2)
    counts.add_mask(sure_and_late, None)
    counts.add_mask(unsure_and_right, sure_and_late)
    counts.add_timely(truth_after, sure_and_late.prediction)
    for latency_ms in (10.0, 20.0):
        counts.add_latency('arrival', latency_ms)
    expected = {
        'miou': (7 / 9 + 6 / 8) / 2,
        'pixel_accuracy': 13 / 15,
        'mean_accuracy': (7 / 7 + 6 / 8) / 2,
        'boundary_f_1px': 1 / 2,  # the first is 2 pixels late
        'boundary_f_3px': 1.0,
        'detail_f': 2 / 3,  # precision 1, recall 1/2
        'flicker': 2 / 7,  # one pixel's truth is not known
        'changed': 2 / 8,
        'ece': (8 * (1 - 6 / 8) + 7 * (1 - 0)) / 15,
        'timely_miou': (3 / 5 + 2 / 4) / 2,
        'timely_coverage': 1 / 2,
        'masks_share': 2 / 4,
        'masks_per_s': 2 / 0.5,
    }
    latencies = {'p50_ms': 10, 'p95_ms': 20, 'p99_ms': 20, 'max_ms': 20}
    found = drive_figures(counts, 'arrival', images=4, seconds=0.5)
    assert found.keys() == expected.keys() | latencies.keys() == FIGURES.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-12), name
    for name, value in latencies.items():
        assert found[name] == pytest.approx(value, rel=0.005), name


@pytest.mark.parametrize(('stage', 'labeled'), [('engine', True), ('arrival', False)])
def test_timely_coverage_needs_labels_and_times_of_arrival(stage, labeled):
    counts = DriveCounts(2)
    counts.add_mask(Masks(row(0, 1), row(0, 1) if labeled else None), None)
    counts.add_latency(stage, 10.0)
    assert math.isnan(drive_figures(counts, stage, 1, 1.0)['timely_coverage'])


def test_of_nothing_there_is_no_share_and_no_rate():
    found = drive_figures(DriveCounts(2), 'engine', images=0, seconds=0.0)
    assert all(map(math.isnan, found.values()))
