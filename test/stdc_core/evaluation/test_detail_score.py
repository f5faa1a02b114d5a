"""The detail map's F-score against a loop over all pairs of pixels."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stdc_core.evaluation.detail_score import DetailScore


@st.composite
def images(draw):
    shape = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    truth = arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 255]))
    return draw(truth), draw(arrays(np.uint8, shape, elements=st.sampled_from([0, 127, 128])))


def slow_counts(truth, detail, width):
    """Look at every pixel, and from there at every other one."""
    height, columns = truth.shape
    places = [(y, x) for y in range(height) for x in range(columns) if truth[y, x] != 255]

    def is_edge(y, x):
        beside = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
        return any(place in places and truth[place] != truth[y, x] for place in beside)

    true = [place for place in places if is_edge(*place)]
    predicted = [place for place in places if detail[place] >= 128]

    def near(place, others):
        return any(math.dist(place, other) <= width for other in others)

    return [
        sum(near(place, true) for place in predicted),
        len(predicted),
        sum(near(place, predicted) for place in true),
        len(true),
    ]


@settings(deadline=None, max_examples=50)
@given(st.lists(images(), min_size=1, max_size=2), st.integers(0, 3))
def test_counts_equal_a_loop_over_all_pairs_of_pixels(samples, width):
    parts = [DetailScore(width) for _ in samples]
    for part, sample in zip(parts, samples, strict=True):
        part.update(*sample)
    total = sum(parts[1:], parts[0])
    slow = np.sum([slow_counts(*sample, width) for sample in samples], axis=0)
    np.testing.assert_array_equal(total.counts, slow)


def test_precision_recall_and_f_of_a_hand_made_case():
    truth = np.array([[0, 0, 0, 1, 1, 1, 1, 1]], np.uint8)  # boundary at 2 and 3
    detail = np.array([[0, 0, 0, 200, 0, 0, 200, 0]], np.uint8)
    score = DetailScore(0)
    score.update(truth, detail)
    found = score.scores()
    assert (found.precision, found.recall) == (0.5, 0.5)
    assert found.f_score == pytest.approx(0.5)
    wider = DetailScore(1)
    wider.update(truth, detail)
    assert wider.scores().f_score == pytest.approx(2 * 0.5 * 1 / 1.5)


def test_nothing_to_find_is_no_score_and_nothing_found_is_zero():
    flat, edge = np.zeros((2, 4), np.uint8), np.array([[0, 1]], np.uint8)
    nothing = DetailScore(1)
    nothing.update(flat, flat)
    assert math.isnan(nothing.scores().f_score)
    missed = DetailScore(1)
    missed.update(edge, np.zeros((1, 2), np.uint8))
    assert missed.scores().f_score == 0
    assert math.isnan(missed.scores().precision)
