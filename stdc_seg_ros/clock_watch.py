"""A node's clock, which ``use_sim_time`` lets jump back, stand still or never come."""

from __future__ import annotations

import time
from collections.abc import Callable

from rclpy.clock import JumpThreshold, ROSClock
from rclpy.duration import Duration

STANDING_S = 2.0  # since it moved; even a slow replay's /clock moves more often


class ClockWatch:
    """Watches the clock; for the executor's thread.

    :param clock: of the node.
    :param on_jump: called when it jumped back, or became another clock (``use_sim_time`` changed).
    :param steady: seconds that nothing stops.
    """

    def __init__(
        self,
        clock: ROSClock,
        on_jump: Callable[[], None],
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._steady = steady
        self._seen_ns, self._seen_at = clock.now().nanoseconds, steady()
        self._jumps = clock.create_jump_callback(
            JumpThreshold(min_forward=None, min_backward=Duration(nanoseconds=-1)),
            post_callback=lambda jump: on_jump(),
        )

    def look(self) -> None:
        """See whether it goes; about once a second."""
        now_ns = self._clock.now().nanoseconds
        if now_ns != self._seen_ns:
            self._seen_ns, self._seen_at = now_ns, self._steady()

    @property
    def stands_still(self) -> bool:
        """Whether /clock came and comes no more, or always says the same."""
        going = self._steady() - self._seen_at < STANDING_S
        return self._clock.ros_time_is_active and self._seen_ns > 0 and not going

    def describe(self) -> str:
        """Say which clock it is, and what is wrong with it."""
        if not self._clock.ros_time_is_active:
            return "the system's"
        if self._seen_ns == 0:
            return '/clock, which never came'
        return '/clock, which stands still' if self.stands_still else '/clock'

    def close(self) -> None:
        """Watch no longer; a second call does nothing."""
        self._jumps.unregister()
