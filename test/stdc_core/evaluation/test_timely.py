"""Which truth is current when a mask arrives."""

from hypothesis import given
from hypothesis import strategies as st

from stdc_core.evaluation.timely import current_truths, frame_period_ns

stamps = st.lists(st.integers(0, 1000), unique=True).map(sorted)


@given(st.dictionaries(st.integers(0, 1000), st.integers(0, 1500)), stamps, st.integers(1, 200))
def test_it_is_the_nearest_within_half_a_period(arrivals, truths, period):
    found = current_truths(arrivals, truths, period)
    for stamp, arrival in arrivals.items():
        near = min((abs(truth - arrival) for truth in truths), default=None)
        if near is None or near > period / 2:
            assert stamp not in found
        else:
            assert abs(found[stamp] - arrival) == near
    assert found.keys() <= arrivals.keys()


def test_a_mask_late_by_three_frames_meets_the_truth_three_frames_on():
    truths = list(range(0, 1000, 100))
    late = {stamp: stamp + 310.0 for stamp in truths}
    expected = {stamp: stamp + 300 for stamp in truths if stamp + 300 <= 900}
    assert current_truths(late, truths, 100) == expected  # the last three meet none


def test_the_period_is_the_median_distance():
    assert frame_period_ns([0, 100, 200, 290, 900]) == 100
    assert frame_period_ns([5]) is None
