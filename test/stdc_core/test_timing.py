"""Windows and rates against numpy and plain counting."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stdc_core.errors import UserError
from stdc_core.timing import LatencyWindow, RateMeter


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60), st.integers(1, 40))
def test_percentiles_are_numpys_of_the_newest(durations, size):
    window = LatencyWindow(size)
    for duration in durations:
        window.add(duration)
    newest = np.array(durations[-size:])
    summary = window.summary()
    assert summary.count == len(newest)
    assert summary.max == newest.max()
    for percent, found in ((50, summary.p50), (95, summary.p95), (99, summary.p99)):
        assert found == np.percentile(newest, percent)


def test_an_empty_window_has_no_figures():
    window = LatencyWindow()
    assert window.summary() is None
    assert str(window) == 'n/a'
    window.add(3)
    assert str(window) == 'p50 3.0, p95 3.0, p99 3.0, max 3.0 ms'
    window.clear()
    assert str(window) == 'n/a'


def test_several_threads_may_add_and_read():
    window = LatencyWindow(100_000)

    def add():
        for _ in range(5000):
            window.add(1.0)
            if window.summary().max != 1.0:
                raise AssertionError

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert window.summary().count == 10_000


def test_rate_counts_the_events_of_the_window():
    clock = Clock()
    meter = RateMeter(2.0, clock)
    for _ in range(50):
        clock.now += 0.125
        meter.tick()
    assert meter.rate() == 8
    assert meter.since_last() == pytest.approx(0)


def test_rate_falls_to_zero_when_nothing_comes_any_more():
    clock = Clock()
    meter = RateMeter(2.0, clock)
    for _ in range(20):
        clock.now += 0.1
        meter.tick()
    clock.now += 1
    assert meter.rate() == pytest.approx(5, abs=0.51)
    clock.now += 1.5
    assert meter.rate() == 0
    assert meter.since_last() == pytest.approx(2.5)


def test_rate_is_right_before_the_window_is_full():
    clock = Clock()
    meter = RateMeter(60, clock)
    assert (meter.rate(), meter.since_last()) == (0, None)
    for _ in range(5):
        clock.now += 0.2
        meter.tick()
    assert meter.rate() == pytest.approx(5)
    meter.clear()
    assert (meter.rate(), meter.since_last()) == (0, None)


@pytest.mark.parametrize('make', [lambda: LatencyWindow(0), lambda: RateMeter(0)])
def test_windows_without_room_are_refused(make):
    with pytest.raises(UserError, match='is 0, expected'):
        make()
