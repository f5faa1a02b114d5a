from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stdc_core.errors import InvalidArgumentError
from stdc_seg_ros.bag.bag_reader import RawMessage
from stdc_seg_ros.bag.playback import Lateness, Playback


def messages(*times_ms, topic='/image') -> list[RawMessage]:
    return [RawMessage(topic, 10**18 + time * 10**6, b'%d' % time) for time in times_ms]


def played(playback, count=None):
    return [
        (round(1e3 * due.at_s, 6), due.message.data)
        for due in islice(playback, count)
        if due.message is not None
    ]


@given(
    times=st.lists(st.integers(0, 10_000), min_size=1).map(sorted),
    rate=st.floats(0.01, 100),
)
def test_gaps_are_those_of_the_recording_over_the_rate(times, rate):
    found = played(Playback(lambda: messages(*times), rate=rate))
    assert [data for _, data in found] == [b'%d' % time for time in times]
    for (at_ms, _), time in zip(found, times, strict=True):
        assert at_ms == pytest.approx((time - times[0]) / rate, abs=1e-5)


def test_a_message_that_was_recorded_out_of_order_is_not_waited_for():
    found = played(Playback(lambda: messages(0, 100, 50, 150)))
    assert found == [(0, b'0'), (100, b'100'), (100, b'50'), (150, b'150')]


def test_a_loop_goes_on_with_the_gap_between_messages():
    both = sorted([*messages(0, 100, 200), *messages(0, 200, topic='/info')], key=lambda m: m[1])
    found = played(Playback(lambda: both, rate=2, loop=True), 12)
    assert [at_ms for at_ms, _ in found] == [0, 0, 50, 100, 100, 150, 150, 200, 250, 250, 300, 300]


def test_a_loop_of_one_message_does_not_spin():
    assert [at for at, _ in played(Playback(lambda: messages(7), loop=True), 3)] == [0, 1e3, 2e3]


def test_a_loop_of_nothing_ends():
    assert not list(Playback(list, loop=True))


def test_the_clock_ticks_in_time_of_the_bag():
    ticks = [
        (due.at_s, due.bag_ns - 10**18)
        for due in islice(Playback(lambda: messages(0, 500, 1000), 2.0, True, 8.0), 16)
        if due.message is None
    ]
    # A round takes 0.75 s (1.5 s of the bag); then its time begins anew.
    expected = [(tick / 8, tick * 250_000_000 % 1_500_000_000) for tick in range(len(ticks))]
    assert ticks == expected
    assert len(ticks) > 8


def test_the_clock_is_there_before_the_message():
    first, second = islice(Playback(lambda: messages(0), clock_hz=10), 2)
    assert first.message is None
    assert second.message is not None
    assert first.bag_ns == second.bag_ns == 10**18


def test_only_what_comes_next_is_read():
    read = []

    def source():
        for message in messages(0, 10, 20):
            read.append(message)
            yield message

    playback = iter(Playback(source))
    next(playback)
    assert len(read) == 1


@pytest.mark.parametrize(
    ('fields', 'expected'),
    [
        ({'rate': 0}, 'rate is 0, expected above 0'),
        ({'rate': float('nan')}, 'rate is nan'),
        ({'rate': float('inf')}, 'rate is inf'),
        ({'clock_hz': 0}, 'clock is 0 Hz'),
        ({'clock_hz': float('nan')}, 'clock is nan Hz'),
    ],
)
def test_values_outside_their_range_are_refused(fields, expected):
    with pytest.raises(InvalidArgumentError, match=expected):
        Playback(list, **fields)


def test_lateness_counts_what_a_subscriber_would_notice():
    lateness = Lateness()
    for delay_s in (0.0, 0.0049, 0.0051, 0.02):
        lateness.add(delay_s)
    assert (lateness.count, lateness.late, lateness.worst_ms) == (4, 2, 20)
    assert str(lateness) == '4 messages, 2 more than 5 ms late, worst 20.0 ms'
