"""Parts of a drive add up to the whole, also by way of JSON."""

import json

import numpy as np
import pytest

from stdc_core.errors import InvalidArgumentError
from stdc_core.evaluation.drive_counts import DriveCounts, Masks
from stdc_core.evaluation.drive_figures import FIGURES, drive_figures
from stdc_core.metrics import ConfusionMatrix


def frames(count, seed=0):
    """Every third has no truth."""
    rng = np.random.default_rng(seed)

    def mask(high):
        return rng.integers(0, high, (12, 17), dtype=np.uint8)

    return [Masks(mask(3), mask(3) if i % 3 else None, mask(256), mask(256)) for i in range(count)]


def count(drive):
    counts, before = DriveCounts(3), None
    for number, masks in enumerate(drive):
        counts.add_mask(masks, before)
        counts.add_latency('arrival', 10.0 + number)
        if masks.truth is not None:
            counts.add_timely(masks.truth, masks.prediction)
        before = masks
    return counts


def test_two_drives_together_are_exactly_the_sum():
    first, second = frames(5, 1), frames(4, 2)
    total = count(first) + DriveCounts.from_dict(json.loads(json.dumps(count(second).to_dict())))
    matrix = ConfusionMatrix(3)
    for masks in (*first, *second):
        if masks.truth is not None:
            matrix.update(masks.truth, masks.prediction)
    np.testing.assert_array_equal(total.confusion.counts, matrix.counts)
    assert total.masks == 9
    assert total.labeled == total.timely_masks == 5
    assert total.flicker.pairs == 4 + 3  # none across drives
    assert total.latencies['arrival'].summary().count == 9
    figures = drive_figures(total, 'arrival', 10, 2.0)
    assert figures.keys() == FIGURES.keys()
    assert not [name for name, value in figures.items() if np.isnan(value)]
    assert (figures['masks_share'], figures['masks_per_s']) == (0.9, 4.5)
    assert figures['timely_coverage'] == pytest.approx(5 / 9)
    assert figures['miou'] == figures['timely_miou'] == matrix.scores().miou


def test_a_frame_has_scores_of_its_own():
    truth = np.array([[0, 0, 1, 1]], np.uint8)
    counts = DriveCounts(3)
    first = Masks(truth, truth, np.full((1, 4), 51, np.uint8))
    second = Masks(np.array([[0, 1, 1, 1]], np.uint8), truth)
    alone = counts.add_mask(first, None)
    assert (alone.miou, alone.pixel_accuracy, alone.changed, alone.flicker) == (1, 1, None, None)
    assert alone.confidence == pytest.approx(0.2)
    scores = counts.add_mask(second, first)
    assert scores.miou == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert (scores.pixel_accuracy, scores.changed, scores.flicker) == (0.75, 0.25, 0.25)
    assert scores.confidence is None


def test_without_labels_only_change_is_measured():
    drive = [Masks(masks.prediction) for masks in frames(3)]
    counts, before = DriveCounts(3), None
    for masks in drive:
        counts.add_mask(masks, before)
        before = masks
    figures = drive_figures(counts, 'engine', 3, 1.0)
    measured = {name for name, value in figures.items() if not np.isnan(value)}
    assert measured == {'changed', 'masks_share', 'masks_per_s'}


def test_a_mask_of_another_size_is_not_compared_with_the_one_before():
    counts = DriveCounts(3)
    small, large = Masks(np.zeros((2, 2), np.uint8)), Masks(np.zeros((3, 2), np.uint8))
    counts.add_mask(small, None)
    assert counts.add_mask(large, small).changed is None
    assert counts.flicker.pairs == 0


def test_what_is_no_count_is_refused():
    fields = count(frames(2)).to_dict()
    for wrong in ({}, {**fields, 'confusion': [[1, 2]]}, {**fields, 'flicker': {'x': 1}}):
        with pytest.raises(InvalidArgumentError, match='no counts of a drive'):
            DriveCounts.from_dict(wrong)
