"""Latency windows and rates, on steady time."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import numpy as np

from stdc_core.errors import InvalidArgumentError

NOT_AVAILABLE = 'n/a'


@dataclass(frozen=True)
class LatencySummary:
    """What a window holds, milliseconds.

    :param count: number of durations in the window.
    :param p50: median, interpolated linearly between durations as NumPy does; so the others.
    """

    count: int
    p50: float
    p95: float
    p99: float
    max: float

    def __str__(self) -> str:
        return f'p50 {self.p50:.1f}, p95 {self.p95:.1f}, p99 {self.p99:.1f}, max {self.max:.1f} ms'


class LatencyWindow:
    """The newest durations of one kind; any thread may add and read.

    :param size: how many are kept, at least 1.
    """

    def __init__(self, size: int = 512) -> None:
        if size < 1:
            raise InvalidArgumentError(f'size of the window is {size}, expected at least 1')
        self._durations_ms: deque[float] = deque(maxlen=size)
        self._lock = Lock()

    def add(self, duration_ms: float) -> None:
        """Put in a duration; the oldest goes out where the window is full."""
        with self._lock:
            self._durations_ms.append(duration_ms)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._durations_ms.clear()

    def summary(self) -> LatencySummary | None:
        """Summarise the window; None where it is empty, never a figure that nobody measured."""
        with self._lock:
            durations = np.array(self._durations_ms)
        if not durations.size:
            return None
        p50, p95, p99 = np.percentile(durations, (50, 95, 99))
        return LatencySummary(durations.size, p50, p95, p99, durations.max())

    def __str__(self) -> str:
        return str(self.summary() or NOT_AVAILABLE)


class RateMeter:
    """Events a second over the last seconds; any thread may tick and read.

    :param window_s: how far it looks back.
    :param clock: steady seconds.
    """

    def __init__(self, window_s: float = 5.0, clock: Callable[[], float] = time.monotonic) -> None:
        if not window_s > 0:
            raise InvalidArgumentError(f'window_s is {window_s}, expected more than 0')
        self._window_s = window_s
        self._clock = clock
        self._lock = Lock()
        self.clear()

    def clear(self) -> None:
        """Forget everything and start to look from now on."""
        with self._lock:
            self._start = self._clock()
            self._ticks: deque[float] = deque()
            self._last: float | None = None

    def tick(self) -> None:
        """Count one event, now."""
        with self._lock:
            now = self._last = self._clock()
            self._ticks.append(now)
            self._forget(now)

    def rate(self) -> float:
        """Events a second, 0 where there were none; rises and falls with the window's inertia."""
        with self._lock:
            now = self._clock()
            self._forget(now)
            watched = min(now - self._start, self._window_s)
            return len(self._ticks) / watched if watched > 0 else 0.0

    def since_last(self) -> float | None:
        """Seconds since the last event; None before the first."""
        with self._lock:
            return None if self._last is None else self._clock() - self._last

    def _forget(self, now: float) -> None:
        while self._ticks and self._ticks[0] <= now - self._window_s:
            self._ticks.popleft()
