"""Latencies of any number of frames in little room, such that parts can be added."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

from stdc_core.errors import InvalidArgumentError
from stdc_core.timing import LatencySummary

GROWTH = 1.01  # of each bin over the one before
RELATIVE_ERROR = math.sqrt(GROWTH) - 1
"""How far a percentile may lie from the duration that has this rank: 0.5 %."""
SMALLEST_MS = 1e-3  # what is shorter counts as this


class LatencyHistogram:
    """Counts durations in bins whose width grows with the duration, as HdrHistogram does.

    Percentiles are by nearest rank and within 0.5 % of the duration of that rank; count and
    maximum are exact. (:class:`stdc_core.timing.LatencyWindow` interpolates, and forgets.)

    :param counts: durations by bin, as from another histogram's ``counts``.
    :param max_ms: the longest of them.
    """

    def __init__(self, counts: Mapping[int, int] | None = None, max_ms: float = 0.0) -> None:
        self.counts = Counter(counts or {})
        self.max_ms = max_ms

    @classmethod
    def of(cls, durations_ms: Iterable[float]) -> LatencyHistogram:
        """Count some durations."""
        histogram = cls()
        for duration_ms in durations_ms:
            histogram.add(duration_ms)
        return histogram

    def add(self, duration_ms: float) -> None:
        """Count one."""
        if not 0 <= duration_ms < math.inf:
            raise InvalidArgumentError(f'duration is {duration_ms} ms, expected at least 0')
        steps = math.log(max(duration_ms, SMALLEST_MS) / SMALLEST_MS) / math.log(GROWTH)
        self.counts[math.floor(steps)] += 1
        self.max_ms = max(self.max_ms, duration_ms)

    def __add__(self, other: LatencyHistogram) -> LatencyHistogram:
        """Both together."""
        return LatencyHistogram(self.counts + other.counts, max(self.max_ms, other.max_ms))

    def summary(self) -> LatencySummary | None:
        """Percentiles; None of nothing."""
        if not self.counts:
            return None
        p50, p95, p99 = (self._percentile(share) for share in (0.50, 0.95, 0.99))
        return LatencySummary(self.counts.total(), p50, p95, p99, self.max_ms)

    def _percentile(self, share: float) -> float:
        rank = max(1, math.ceil(share * self.counts.total()))
        for place in sorted(self.counts):
            rank -= self.counts[place]
            if rank <= 0:
                middle = SMALLEST_MS * GROWTH ** (place + 0.5)
                return min(middle, self.max_ms)
        raise AssertionError
