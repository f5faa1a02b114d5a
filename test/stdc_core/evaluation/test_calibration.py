"""Calibration against a loop that follows the definition, and hand-made cases."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stdc_core.evaluation.calibration import BINS, Calibration


@st.composite
def images(draw):
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    values = arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 255]))
    return draw(values), draw(values), draw(arrays(np.uint8, shape))


def slow_ece(samples):
    """Mean gap between confidence and accuracy, bin for bin, over all pixels."""
    bins = {}
    for truth, prediction, confidence in samples:
        flat = (array.ravel().tolist() for array in (truth, prediction, confidence))
        for t, p, c in zip(*flat, strict=True):
            if t != 255:
                bins.setdefault(min(c * BINS // 255, BINS - 1), []).append((c / 255, t == p))
    total = sum(map(len, bins.values()))
    gap = sum(abs(sum(c for c, _ in found) - sum(r for _, r in found)) for found in bins.values())
    return gap / total if total else math.nan


@settings(deadline=None)
@given(st.lists(images(), min_size=1, max_size=3))
def test_ece_equals_a_loop_over_all_pixels(samples):
    parts = [Calibration() for _ in samples]
    for part, sample in zip(parts, samples, strict=True):
        part.update(*sample)
    scores = sum(parts[1:], parts[0]).scores()
    assert scores.ece == pytest.approx(slow_ece(samples), nan_ok=True, abs=1e-12)
    assert sum(found.pixels for found in scores.curve) == sum(
        np.count_nonzero(truth != 255) for truth, _, _ in samples
    )


def test_right_as_often_as_it_says():
    truth = np.zeros((1, 10), np.uint8)
    prediction = np.array([[0] * 8 + [1] * 2], np.uint8)
    calibration = Calibration()
    calibration.update(truth, prediction, np.full((1, 10), round(0.8 * 255), np.uint8))
    scores = calibration.scores()
    assert (scores.accuracy, scores.confidence) == (0.8, 0.8)
    assert scores.ece == pytest.approx(0)
    [used] = [found for found in scores.curve if found.pixels]
    assert used == (10, pytest.approx(0.8), 0.8)


def test_sure_and_always_wrong_is_an_error_of_one():
    calibration = Calibration()
    ones = np.ones((3, 3), np.uint8)
    calibration.update(ones, ones - 1, np.full((3, 3), 255, np.uint8))
    assert calibration.scores().ece == 1
    assert math.isnan(Calibration().scores().ece)
