"""Latencies and rates of one camera."""

from __future__ import annotations

import time
from collections.abc import Callable

from stdc_core.engines import StageTimes
from stdc_core.timing import LatencySummary, LatencyWindow, RateMeter
from stdc_seg_ros.camera_state import FrameProblem

STAGES = (
    'whole',  # camera published until mask published
    'header_age',  # stamp of the header until mask published, by the node's clock
    'transport',  # published until the middleware had it, by the message info
    'wait',  # until the inference thread took it
    'decode',
    'resize',
    'network',
    'tail',
    'engine',  # these three together
    'publish_mask',
    'publish_rest',
)


class ProcessingTime:
    """How long the newest frame took here, and for how long that has been too long.

    :param clock: steady seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.newest_ms: float | None = None  # None before the first frame
        self._late_since: float | None = None

    def add(self, duration_ms: float, limit_ms: float) -> None:
        """Take a frame that is finished; a limit of 0 is none."""
        self.newest_ms = duration_ms
        if not 0 < limit_ms < duration_ms:
            self._late_since = None
        elif self._late_since is None:
            self._late_since = self._clock()

    @property
    def late_for_s(self) -> float | None:
        """Seconds since the first of the frames in a row that took too long; None where none."""
        since = self._late_since
        return None if since is None else self._clock() - since


class CameraStatistics:
    """Windows of durations and rates; any thread may add and read."""

    def __init__(self) -> None:
        self._windows = {stage: LatencyWindow() for stage in STAGES}
        self.input_rate = RateMeter()
        self.output_rate = RateMeter()
        self.processing = ProcessingTime()
        self.problem: FrameProblem | None = None  # of the newest frame that was finished
        self.last_problem: FrameProblem | None = None  # whatever came after it
        self.busy_since: float | None = None  # steady seconds; None between frames

    def add(self, stage: str, duration_ms: float | None) -> None:
        """Put in a duration; None, where nobody knows it, leaves no trace."""
        if duration_ms is not None:
            self._windows[stage].add(duration_ms)

    def add_stages(self, times: StageTimes) -> None:
        """Put in what the engine measured."""
        self.add('resize', times.resize)
        self.add('network', times.network)
        self.add('tail', times.tail)
        self.add('engine', times.total)

    def summaries(self) -> dict[str, LatencySummary | None]:
        """Summarise every stage; None where there is nothing yet."""
        return {stage: window.summary() for stage, window in self._windows.items()}

    def clear_stage(self, stage: str) -> None:
        """Forget the durations of one stage."""
        self._windows[stage].clear()

    def clear(self) -> None:
        """Begin anew, as at activation."""
        for window in self._windows.values():
            window.clear()
        self.input_rate.clear()
        self.output_rate.clear()
        self.processing = ProcessingTime()
        self.problem = self.last_problem = None


class Stopwatch:
    """Laps on steady time, milliseconds."""

    def __init__(self, start: float | None = None) -> None:
        self._lap = self.start = time.perf_counter() if start is None else start

    def lap(self) -> float:
        """Milliseconds since the last lap."""
        before, self._lap = self._lap, time.perf_counter()
        return 1e3 * (self._lap - before)

    def total(self) -> float:
        """Milliseconds from the start to the last lap."""
        return 1e3 * (self._lap - self.start)
