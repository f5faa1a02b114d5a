"""Ending a training between two iterations."""

import signal
from types import FrameType


class StopRequest:
    """Set by SIGINT and SIGTERM while the context lasts; a second signal ends at once.

    To be entered in the main thread.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[int, signal.Handlers] = {}

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number

    def __bool__(self) -> bool:
        return self.signal is not None

    def __enter__(self) -> 'StopRequest':
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._receive)  # type: ignore[assignment]
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
