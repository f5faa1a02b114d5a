"""The one thread that owns the engine: it opens it, runs it and closes it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from stdc_core.errors import UserError
from stdc_seg_ros.engine_pair import EnginePair
from stdc_seg_ros.mailbox import Mailbox

K = TypeVar('K')
T = TypeVar('T')

POLL_S = 0.05


class InterruptedStartError(UserError, RuntimeError):
    """The process was told to end while the engine was being opened."""


class InferenceThread(Generic[K, T]):
    """Takes items out of a mailbox and works on them, one at a time.

    :param open_engines: called in the thread.
    :param work: on one sender's item; has to catch its own errors.
    :param mailbox: stopped by :meth:`stop`.
    """

    def __init__(
        self,
        open_engines: Callable[[], EnginePair],
        work: Callable[[K, EnginePair, T], None],
        mailbox: Mailbox[K, T],
    ) -> None:
        self._open_engines = open_engines
        self._work = work
        self._mailbox = mailbox
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._engines: EnginePair | None = None
        self._told = False
        # A daemon, so that a compiler that hangs cannot keep the process alive.
        self._thread = threading.Thread(target=self._run, name='inference', daemon=True)

    def start(self, interrupted: Callable[[], bool]) -> EnginePair:
        """Open the engines and wait for them.

        :param interrupted: asked while waiting, whether to give up.
        :raises UserError: what opening them raised.
        :raises InterruptedStartError: given up; the thread ends when the engine is open.
        """
        self._thread.start()
        while not self._ready.wait(POLL_S):
            if interrupted():
                self._told = True
                self._mailbox.stop()
                raise InterruptedStartError('told to end while the engine was being opened')
        if self._error is not None:
            raise self._error
        assert self._engines is not None
        return self._engines

    @property
    def has_died(self) -> bool:
        """Whether the thread ended, and nobody told it to."""
        return self._engines is not None and not (self._told or self._thread.is_alive())

    def stop(self, timeout_s: float) -> bool:
        """Let the thread finish its frame, close the engines and end.

        :return: whether it did so in time.
        """
        self._told = True
        self._mailbox.stop()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._engines = self._open_engines()
        except BaseException as error:
            self._error = error
            return
        finally:
            self._ready.set()
        while (taken := self._mailbox.take()) is not None:
            sender, item = taken
            self._work(sender, self._engines, item)
            del taken, item  # a message is let go before the next one is waited for
        self._engines.close(timeout_s=2.0)
