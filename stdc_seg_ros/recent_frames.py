"""What became of a camera's frames of the last seconds, from snapshots of its ledger."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from stdc_seg_ros.frame_ledger import LedgerSnapshot


@dataclass(frozen=True)
class RecentFrames:
    """Counts of the last seconds.

    :param published: by the camera; None where nobody knows, as ``lost``.
    :param faulty: that were rejected or failed.
    """

    seconds: float
    published: int | None
    received: int
    replaced: int
    faulty: int
    lost: int | None

    @property
    def lost_share(self) -> float:
        """Of what was published, 0..1; 0 where nothing was or nobody knows."""
        return self.lost / self.published if self.lost and self.published else 0.0

    @property
    def replaced_share(self) -> float:
        """Of what came, 0..1; 0 where nothing did."""
        return self.replaced / self.received if self.received else 0.0


class LedgerWindow:
    """Compares a ledger with what it was some seconds ago; for one thread.

    :param window_s: how far it looks back.
    :param clock: steady seconds.
    """

    def __init__(self, window_s: float = 5.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._window_s = window_s
        self._clock = clock
        self._snapshots: deque[tuple[float, LedgerSnapshot]] = deque()

    def add(self, ledger: LedgerSnapshot) -> None:
        """Take the ledger as it is now; regularly."""
        now = self._clock()
        self._snapshots.append((now, ledger))
        while self._snapshots[0][0] < now - self._window_s:
            self._snapshots.popleft()

    def recent(self) -> RecentFrames:
        """Tell of the window."""
        if not self._snapshots:
            return RecentFrames(0.0, 0, 0, 0, 0, 0)
        (then, old), (now, new) = self._snapshots[0], self._snapshots[-1]
        return RecentFrames(
            seconds=now - then,
            published=_difference(new.published, old.published),
            received=new.received - old.received,
            replaced=new.replaced - old.replaced,
            faulty=new.rejected + new.failed - old.rejected - old.failed,
            lost=_difference(new.lost, old.lost),
        )

    def clear(self) -> None:
        """Forget everything."""
        self._snapshots.clear()


def _difference(new: int | None, old: int | None) -> int | None:
    """Count what is new; what counted as lost may have come since, overtaken by another."""
    return None if new is None or old is None else max(0, new - old)
