"""When each message of a bag is due, without ROS and without a clock."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from stdc_core.errors import InvalidArgumentError
from stdc_seg_ros.bag.bag_reader import RawMessage

LATE_MS = 5.0  # what a subscriber would hardly notice


class Due(NamedTuple):
    """Something to publish.

    :param at_s: when, seconds after the start.
    :param bag_ns: the bag's time then, nanoseconds since 1970.
    :param message: None for a tick of the clock.
    """

    at_s: float
    bag_ns: int
    message: RawMessage | None


@dataclass(frozen=True)
class Playback:
    """The timetable of a bag.

    :param read: goes through the bag once, from the start at every call.
    :param rate: of time, above 0: 2 plays twice as fast.
    :param loop: begin again at the end, for ever.
    :param clock_hz: ticks of the clock a second, above 0; None for no clock.
    :raises InvalidArgumentError: a value outside its range.
    """

    read: Callable[[], Iterable[RawMessage]]
    rate: float = 1.0
    loop: bool = False
    clock_hz: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.rate < float('inf'):
            raise InvalidArgumentError(f'rate is {self.rate}, expected above 0')
        if self.clock_hz is not None and not 0 < self.clock_hz <= 1000:
            raise InvalidArgumentError(f'clock is {self.clock_hz} Hz, expected 0 to 1000')

    def __iter__(self) -> Iterator[Due]:
        """Yield everything in its order; the message is in memory when it is yielded."""
        round_start_s = 0.0
        ticks = 0
        while True:
            first_ns = last_ns = None
            counts: Counter[str] = Counter()
            for message in self.read():
                if first_ns is None:
                    first_ns = last_ns = message.recorded_ns
                # A bag of several files may step back a little.
                last_ns = max(last_ns or 0, message.recorded_ns)
                counts[message.topic] += 1
                at_s = round_start_s + (last_ns - first_ns) / self.rate / 1e9
                until = math.floor(at_s * self.clock_hz) + 1 if self.clock_hz else 0
                yield from self._ticks(range(ticks, until), round_start_s, first_ns)
                ticks = max(ticks, until)
                yield Due(at_s, last_ns, message)
            if not self.loop or first_ns is None or last_ns is None:
                return
            end_s = round_start_s + self._round_s(last_ns - first_ns, max(counts.values()))
            until = math.ceil(end_s * self.clock_hz) if self.clock_hz else 0
            yield from self._ticks(range(ticks, until), round_start_s, first_ns)
            ticks = max(ticks, until)
            round_start_s = end_s

    def _ticks(self, numbers: range, round_start_s: float, first_ns: int) -> Iterator[Due]:
        for number in numbers:
            assert self.clock_hz is not None
            at_s = number / self.clock_hz
            bag_ns = first_ns + round((at_s - round_start_s) * self.rate * 1e9)
            yield Due(at_s, bag_ns, None)

    def _round_s(self, duration_ns: int, count: int) -> float:
        """Length of a round: the last message is followed by a gap like those before it."""
        if count < 2 or duration_ns == 0:
            return 1.0 / self.rate
        return duration_ns * count / (count - 1) / self.rate / 1e9


@dataclass
class Lateness:
    """How punctual the messages of a topic were.

    :param count: messages.
    :param late: those more than 5 ms late.
    :param worst_ms: of all.
    """

    count: int = 0
    late: int = 0
    worst_ms: float = 0.0

    def add(self, delay_s: float) -> None:
        """Count a message that was published so long after it was due."""
        delay_ms = 1e3 * delay_s
        self.count += 1
        self.late += delay_ms > LATE_MS
        self.worst_ms = max(self.worst_ms, delay_ms)

    def __str__(self) -> str:
        return (
            f'{self.count} messages, {self.late} more than {LATE_MS:.0f} ms late, '
            f'worst {self.worst_ms:.1f} ms'
        )
