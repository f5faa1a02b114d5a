"""Ends a process that hangs, so that what started it can start it anew."""

from __future__ import annotations

import faulthandler
import os
import threading
from collections.abc import Callable

LOOK_S = 0.5
FROZEN_S = 1.0  # more than the limit, so that a thread of Python's may say it first
STDERR = 2  # the descriptor: sys.stderr may be anything
HUNG = 1  # exit code; faulthandler has no other


class Watchdog:
    """Looks twice a second, in a thread of its own, whether something hangs.

    Then it prints where every thread is and ends the process: a thread that hangs in a library
    cannot be ended otherwise. A library that keeps the GIL lets no thread of Python's run, so
    every look also winds up faulthandler's timer, a thread in C, which does the same when nobody
    has wound it up for the limit and a second.

    :param limit_s: seconds that something may hang, asked at every look; 0: for ever.
    :param find_hang: says what has hung for more than so many seconds; empty where nothing has.
    :param report: told before the end.
    """

    def __init__(
        self,
        limit_s: Callable[[], float],
        find_hang: Callable[[float], str],
        report: Callable[[str], None],
    ) -> None:
        self._limit_s = limit_s
        self._find_hang = find_hang
        self._report = report
        self._closed = threading.Event()
        self._wind_up(limit_s())
        self._thread = threading.Thread(target=self._run, name='watchdog', daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Watch no longer; a second call does nothing."""
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed.wait(LOOK_S):
            limit_s = self._limit_s()
            self._wind_up(limit_s)
            if limit_s and (hang := self._find_hang(limit_s)):
                self._report(hang)  # should that hang, too, the timer goes on
                faulthandler.dump_traceback(STDERR)
                os._exit(HUNG)
        self._wind_up(0)

    def _wind_up(self, limit_s: float) -> None:
        if limit_s:
            faulthandler.dump_traceback_later(limit_s + FROZEN_S, exit=True, file=STDERR)
        else:
            faulthandler.cancel_dump_traceback_later()
