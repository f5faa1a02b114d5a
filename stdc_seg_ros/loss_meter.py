"""How many of a camera's frames of the last seconds were lost, from snapshots of its ledger."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from stdc_seg_ros.frame_ledger import LedgerSnapshot


@dataclass(frozen=True)
class Loss:
    """Frames that never came, of those that were published in the last seconds."""

    lost: int
    published: int
    seconds: float

    @property
    def share(self) -> float:
        """0..1; 0 where nothing was published."""
        return self.lost / self.published if self.published else 0.0


class LossMeter:
    """Compares the ledger with what it was some seconds ago; for one thread.

    :param window_s: how far it looks back.
    :param clock: steady seconds.
    """

    def __init__(self, window_s: float = 5.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._window_s = window_s
        self._clock = clock
        self._snapshots: deque[tuple[float, int, int]] = deque()  # time, lost, published

    def add(self, ledger: LedgerSnapshot) -> None:
        """Take the ledger as it is now; regularly."""
        if ledger.lost is None or ledger.published is None:
            self.clear()
            return
        now = self._clock()
        self._snapshots.append((now, ledger.lost, ledger.published))
        while self._snapshots[0][0] < now - self._window_s:
            self._snapshots.popleft()

    def recent(self) -> Loss | None:
        """Tell of the window; None where nobody knows."""
        if not self._snapshots:
            return None
        (then, lost_then, published_then), (now, lost, published) = (
            self._snapshots[0],
            self._snapshots[-1],
        )
        # What counted as lost may have come since: a frame that another overtook.
        return Loss(max(0, lost - lost_then), published - published_then, now - then)

    def clear(self) -> None:
        """Forget everything."""
        self._snapshots.clear()
