"""Timely scores: a mask is worth what it says about the world when it arrives.

A late mask is compared with the truth of its arrival, not of its exposure, so latency costs
accuracy. The idea is streaming accuracy (Li et al., "Towards streaming perception", ECCV 2020);
they score the newest output at every truth, here every mask is scored once, when it arrives.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence

import numpy as np


def frame_period_ns(stamps: Sequence[int]) -> int | None:
    """Median distance of consecutive stamps; None of fewer than two.

    :param stamps: ascending, nanoseconds.
    """
    return int(np.median(np.diff(stamps))) if len(stamps) > 1 else None


def current_truths(
    arrivals: Mapping[int, float], truths: Sequence[int], period_ns: int
) -> dict[int, int]:
    """Find the truth that is current when each mask arrives.

    :param arrivals: when the mask of each stamp arrived, on the time scale of the stamps,
        nanoseconds.
    :param truths: stamps of the truths, ascending.
    :param period_ns: of the frames. A truth that is more than half of it away is not current.
    :return: stamp of the truth by the stamp of the mask; masks that have none are left out.
    """
    found: dict[int, int] = {}
    for stamp, arrival in arrivals.items():
        place = bisect_left(truths, arrival)
        near = min(
            truths[max(0, place - 1) : place + 1], key=lambda t: abs(t - arrival), default=0
        )
        if truths and 2 * abs(near - arrival) <= period_ns:
            found[stamp] = near
    return found
