"""Flicker against a loop over all pixels."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stdc_core.evaluation.flicker import FlickerCounts, count_flicker


@st.composite
def four_masks(draw):
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    return [draw(arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 255]))) for _ in range(4)]


@settings(deadline=None)
@given(st.lists(four_masks(), min_size=1, max_size=3))
def test_shares_equal_a_loop_over_all_pixels_of_all_pairs(pairs):
    pixels = changed = known = truth_changes = still = flickering = 0
    total = FlickerCounts()
    for before, after, truth_before, truth_after in pairs:
        total += count_flicker(before, after, truth_before, truth_after)
        flat = (mask.ravel().tolist() for mask in (before, after, truth_before, truth_after))
        for p, q, t, u in zip(*flat, strict=True):
            pixels += 1
            changed += p != q
            if 255 not in (t, u):
                known += 1
                truth_changes += t != u
                still += t == u
                flickering += t == u and p != q
    scores = total.scores()
    assert (scores.pairs, scores.labeled_pairs) == (len(pairs), len(pairs))
    assert scores.changed == changed / pixels
    expected = truth_changes / known if known else math.nan
    assert scores.truth_changed == pytest.approx(expected, nan_ok=True)
    assert scores.flicker == pytest.approx(flickering / still if still else math.nan, nan_ok=True)


def test_a_mask_that_follows_a_moving_truth_does_not_flicker():
    before, after = np.array([[0, 0, 1, 1]], np.uint8), np.array([[0, 1, 1, 1]], np.uint8)
    followed = count_flicker(before, after, before, after).scores()
    assert (followed.changed, followed.flicker, followed.truth_changed) == (0.25, 0, 0.25)
    alone = count_flicker(before, after, before, before).scores()
    assert (alone.changed, alone.flicker, alone.truth_changed) == (0.25, 0.25, 0)


def test_without_truth_only_change_is_known():
    before, after = np.array([[0, 0]], np.uint8), np.array([[0, 1]], np.uint8)
    scores = count_flicker(before, after, before, None).scores()
    assert (scores.pairs, scores.labeled_pairs, scores.changed) == (1, 0, 0.5)
    assert math.isnan(scores.flicker)
    assert math.isnan(FlickerCounts().scores().changed)
