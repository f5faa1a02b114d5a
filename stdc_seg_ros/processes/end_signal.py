"""SIGINT and SIGTERM as something to wait for, so that nothing is broken into."""

from __future__ import annotations

import select
import signal
import socket

END_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class EndSignal:
    """Takes both signals of this process from now on; for the main thread.

    A signal that a thread of a library receives counts, too, and so does SIGINT where a shell had
    it ignored. Later signals do nothing: they do not disturb the end.
    """

    def __init__(self) -> None:
        self._came, self._wake = socket.socketpair()
        self._wake.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        for number in END_SIGNALS:
            signal.signal(number, lambda *_: None)

    def wait(self, seconds: float) -> bool:
        """Wait so long; at once True when a signal has come, now or before."""
        ready, _, _ = select.select([self._came], [], [], max(0.0, seconds))
        return bool(ready)
