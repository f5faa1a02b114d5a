"""The node's clock as it is without /clock, with one, and when that stops or jumps."""

import pytest
from rclpy.clock import ROSClock
from rclpy.time import Time

from stdc_seg_ros.clock_watch import STANDING_S, ClockWatch


@pytest.fixture
def clock(ros_context):
    return ROSClock()


@pytest.fixture
def now():
    return [50.0]


@pytest.fixture
def watch(clock, now):
    watch = ClockWatch(clock, lambda: watch.jumps.append(now[0]), lambda: now[0])
    watch.jumps = []
    yield watch
    watch.close()


def show(clock, seconds):
    clock.set_ros_time_override(Time(seconds=seconds, clock_type=clock.clock_type))


def simulate(clock):
    clock._set_ros_time_is_active(True)  # as use_sim_time does


def test_the_systems_clock_goes(clock, watch, now):
    now[0] += 60
    watch.look()
    assert (watch.describe(), watch.stands_still) == ("the system's", False)


def test_a_clock_that_never_came_does_not_stand_still(clock, watch, now):
    simulate(clock)
    now[0] += 60
    watch.look()
    assert (watch.describe(), watch.stands_still) == ('/clock, which never came', False)


def test_a_clock_that_stops_stands_still_until_it_goes_again(clock, watch, now):
    simulate(clock)
    for seconds in (100, 101, 102):
        show(clock, seconds)
        now[0] += STANDING_S / 2
        watch.look()
        assert (watch.describe(), watch.stands_still) == ('/clock', False)
    now[0] += STANDING_S
    watch.look()
    assert (watch.describe(), watch.stands_still) == ('/clock, which stands still', True)
    show(clock, 103)
    watch.look()
    assert not watch.stands_still


def test_jumps_back_and_other_clocks_are_told_and_steps_forward_are_not(clock, watch):
    show(clock, 100)
    simulate(clock)
    assert len(watch.jumps) == 1
    for seconds, jumps in ((101, 1), (4000, 1), (10, 2), (11, 2)):
        show(clock, seconds)
        assert len(watch.jumps) == jumps, seconds
    watch.close()
    show(clock, 5)
    assert len(watch.jumps) == 2
