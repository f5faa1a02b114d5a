"""Work in processes of its own, a few at a time; where one is killed the others go on.

Not one pool for all: in Python 3.11 that waits for ever where a process is killed while another is
being started, loses everything that waits where one is killed, and at Ctrl-C works on.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Callable
from concurrent.futures import CancelledError, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from threading import Lock
from types import TracebackType

from stdc_core.errors import UserError


class WorkerError(UserError, RuntimeError):
    """A process that ended before its work did."""


class WorkerProcesses:
    """Starts a process for each piece of work; a context manager, in which an exception ends all.

    :param count: at a time.
    """

    def __init__(self, count: int) -> None:
        self._threads = ThreadPoolExecutor(count, 'worker', initializer=_keep_ctrl_c)
        self._starting = Lock()
        self._ended = False

    def submit(self, work: Callable[..., None], *values: object) -> Callable[[], None]:
        """Let a process work when it is its turn.

        :param work: a function of a module, as the values something that can be pickled.
        :return: waits for the end, and raises what the work raised; WorkerError where its process
            was killed.
        """
        return self._threads.submit(self._run, work, *values).result

    def _run(self, work: Callable[..., None], *values: object) -> None:
        spawn = multiprocessing.get_context('spawn')
        with ProcessPoolExecutor(1, spawn, initializer=_end_by_exception) as process:
            with self._starting:
                if self._ended:
                    raise CancelledError
                result = process.submit(work, *values)
            try:
                result.result()
            except BrokenProcessPool as error:
                raise WorkerError('its process was killed (out of memory?)') from error

    def __enter__(self) -> WorkerProcesses:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            with self._starting:
                self._ended = True
                for process in multiprocessing.active_children():
                    process.terminate()
        self._threads.shutdown(cancel_futures=kind is not None)


def _keep_ctrl_c() -> None:
    """Let the processes that this thread starts not see Ctrl-C: whoever began them ends them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _end_by_exception() -> None:
    """End at SIGTERM so that no half file stays."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
