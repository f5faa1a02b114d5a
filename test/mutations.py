"""Data that was right before something happened to it, and how fuzz tests are run.

``make test`` tries a few examples, always the same; ``make fuzz`` (FUZZ_EXAMPLES=…) tries many,
others every time.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

HANG_S = 60  # of the processor's time; what takes longer for some kilobytes hangs
WAIT_S = 600  # what waits longer, for nobody, hangs too
_examples = os.environ.get('FUZZ_EXAMPLES')
fuzz = settings(
    max_examples=int(_examples or 40),
    derandomize=_examples is None,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)

# What parsers trip over: no length, the longest, one too many, signs, text where numbers belong.
_NUMBERS = [
    value.to_bytes(size, order)
    for size in (1, 2, 4, 8)
    for value in (0, 1, (1 << 8 * size) - 1, 1 << 8 * size - 1, (1 << 8 * size - 1) - 1)
    for order in ('little', 'big')
]


def _overwrite(data: bytes, place: int, piece: bytes, length: int) -> bytes:
    return data[:place] + piece + data[place + len(piece) :]


def _insert(data: bytes, place: int, piece: bytes, length: int) -> bytes:
    return data[:place] + piece + data[place:]


def _delete(data: bytes, place: int, piece: bytes, length: int) -> bytes:
    return data[:place] + data[place + length :]


def _repeat(data: bytes, place: int, piece: bytes, length: int) -> bytes:
    return data[: place + length] + data[place:]


def _cut(data: bytes, place: int, piece: bytes, length: int) -> bytes:
    return data[:place]


def _flip(data: bytes, place: int, piece: bytes, length: int) -> bytes:
    return data[:place] + bytes(b ^ 1 << length % 8 for b in data[place : place + 1]) + data[
        place + 1 :
    ]  # fmt: skip


@st.composite
def mutated(draw: Callable[..., Any], data: bytes, most: int = 6) -> bytes:
    """Change, insert, take away, repeat or cut off some bytes."""
    ways = st.sampled_from([_overwrite, _overwrite, _flip, _flip, _insert, _delete, _repeat, _cut])
    pieces = st.sampled_from(_NUMBERS) | st.binary(min_size=1, max_size=9)
    for _ in range(draw(st.integers(1, most))):
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        length = draw(st.integers(1, 64))
        data = draw(ways)(data, place, draw(pieces), length)
    return data


# Plain data of any shape, as JSON and YAML have it.
plain_data = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@st.composite
def damaged(draw: Callable[..., Any], fields: Any) -> Any:
    """Put other plain data, or nothing, somewhere into plain data."""
    if isinstance(fields, dict) and fields and draw(st.integers(0, 4)):
        name = draw(st.sampled_from(sorted(fields, key=str)))
        kept = {key: value for key, value in fields.items() if key != name}
        return (
            kept if draw(st.integers(0, 6)) == 0 else {**fields, name: draw(damaged(fields[name]))}
        )
    if isinstance(fields, list) and fields and draw(st.integers(0, 4)):
        place = draw(st.integers(0, len(fields) - 1))
        return [*fields[:place], draw(damaged(fields[place])), *fields[place + 1 :]]
    return draw(plain_data)


@contextmanager
def no_hang() -> Iterator[None]:
    """End what takes a minute of the processor, or waits for ten."""

    def stop(number: int, frame: object) -> None:
        raise AssertionError(f'hangs: {signal.Signals(number).name} after {HANG_S} or {WAIT_S} s')

    before = {number: signal.signal(number, stop) for number in (signal.SIGPROF, signal.SIGALRM)}
    signal.setitimer(signal.ITIMER_PROF, HANG_S)
    signal.setitimer(signal.ITIMER_REAL, WAIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
