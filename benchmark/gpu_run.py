"""A run of benchmark/gpu.py: parts under a budget of time, and the report they write into."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

PATIENCE = 3.0  # a part that takes so many times its estimate is ended


class OverTimeError(BaseException):
    """A part took too long; no ``except Exception`` on the way takes it for its own."""


@dataclass(frozen=True)
class Part:
    """Something to find out.

    :param name: its key in the report.
    :param cost_s: estimate on an H200; it begins only where so much time is left.
    :param work: what it returns goes into the report.
    """

    name: str
    cost_s: float
    work: Callable[[], Any]


class Run:
    """Does parts and writes the report after each.

    :param end: of ``time.monotonic()``; all parts are over by then.
    :param patience: see :data:`PATIENCE`.
    """

    def __init__(self, output: Path, *, end: float, patience: float = PATIENCE) -> None:
        self.output = output
        self.end = end
        self.patience = patience
        self.found: dict[str, Any] = {}
        self.failed: dict[str, str] = {}
        self.left_out: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self.facts: dict[str, Any] = {}

    def do(self, part: Part) -> Any:
        """Do a part; None where it failed or was left out."""
        left = self.end - time.monotonic()
        if left < part.cost_s:
            self.left_out[part.name] = f'takes {part.cost_s:.0f} s, {left:.0f} s are left'
            print(f'{part.name} left out: {self.left_out[part.name]}', flush=True)
            self.write()
            return None
        start = time.monotonic()
        try:
            with _alarm(min(left, self.patience * part.cost_s)):
                self.found[part.name] = part.work()
        except (Exception, OverTimeError) as error:
            self.failed[part.name] = f'{type(error).__name__}: {error}'
            traceback.print_exc(file=sys.stderr)
        took = self.seconds[part.name] = round(time.monotonic() - start, 1)
        shown = _json(self.found.get(part.name, f'FAILED: {self.failed.get(part.name)}'))
        print(f'{part.name} ({took} s, estimated {part.cost_s:.0f}) {shown}', flush=True)
        self.write()
        return self.found.get(part.name)

    def write(self) -> None:
        """Write the report as far as it is."""
        report = self.facts | {
            'failed': self.failed,
            'left_out': self.left_out,
            'seconds': self.seconds,
            'parts': self.found,
        }
        self.output.parent.mkdir(parents=True, exist_ok=True)
        part = self.output.with_suffix('.part')
        part.write_text(_json(report, indent=1) + '\n')
        os.replace(part, self.output)


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise :class:`OverTimeError` in the main thread when the time is over."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise OverTimeError(f'not done after {seconds:.0f} s')

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, indent=indent, default=_plain)


def _plain(value: Any) -> Any:
    """Make a result what JSON knows; only dataclasses are not yet."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f'{type(value).__name__} is no result')
