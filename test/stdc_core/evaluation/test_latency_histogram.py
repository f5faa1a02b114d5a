"""Percentiles against the sorted durations."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stdc_core.errors import InvalidArgumentError
from stdc_core.evaluation.latency_histogram import RELATIVE_ERROR, LatencyHistogram

durations = st.lists(st.floats(0.001, 1e5), min_size=1, max_size=60)


@given(durations, durations)
def test_percentiles_of_parts_together_are_those_of_the_sorted_durations(first, second):
    both = sorted(first + second)
    whole = (LatencyHistogram.of(first) + LatencyHistogram.of(second)).summary()
    assert whole == LatencyHistogram.of(both).summary()
    assert (whole.count, whole.max) == (len(both), both[-1])
    for share, found in ((0.5, whole.p50), (0.95, whole.p95), (0.99, whole.p99)):
        exact = both[max(1, math.ceil(share * len(both))) - 1]
        assert found == pytest.approx(exact, rel=RELATIVE_ERROR + 1e-9)


def test_the_counts_are_the_histogram():
    histogram = LatencyHistogram.of([1.0, 1.0, 50.0])
    assert LatencyHistogram(histogram.counts, histogram.max_ms).summary() == histogram.summary()
    assert LatencyHistogram().summary() is None
    assert LatencyHistogram.of([0.0]).summary().p50 == 0


@pytest.mark.parametrize('wrong', [-1.0, math.nan, math.inf])
def test_what_is_no_duration_is_refused(wrong):
    with pytest.raises(InvalidArgumentError, match='expected at least 0'):
        LatencyHistogram().add(wrong)
