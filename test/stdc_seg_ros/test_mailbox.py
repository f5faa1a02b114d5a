"""The mailbox between two threads."""

import queue
import threading

import pytest

from stdc_seg_ros.mailbox import Mailbox

DEADLINE_S = 10


@pytest.fixture
def mailbox():
    box = Mailbox()
    yield box
    box.stop()


def consume(mailbox, work):
    def run():
        while (taken := mailbox.take()) is not None:
            work(taken[1])

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_newest_frame_replaces_waiting_one(mailbox):
    assert mailbox.put('camera', 'first') is None
    assert mailbox.put('camera', 'second') == 'first'
    assert mailbox.put('camera', 'third') == 'second'
    assert mailbox.take() == ('camera', 'third')


def test_take_waits_for_an_item(mailbox):
    taken = queue.Queue()
    consume(mailbox, taken.put)
    with pytest.raises(queue.Empty):
        taken.get(timeout=0.02)
    mailbox.put('camera', 'frame')
    assert taken.get(timeout=DEADLINE_S) == 'frame'


def test_stop_ends_a_waiting_consumer(mailbox):
    thread = consume(mailbox, print)
    assert mailbox.stop() == []
    thread.join(DEADLINE_S)
    assert not thread.is_alive()


def test_stop_gives_back_what_waited_and_what_comes_later(mailbox):
    mailbox.put('camera', 'waiting')
    assert mailbox.stop() == ['waiting']
    assert mailbox.put('camera', 'later') == 'later'
    assert mailbox.take() is None


def test_falsy_items_are_items(mailbox):
    assert mailbox.put('camera', 0) is None
    assert mailbox.put('camera', 1) == 0


def test_each_sender_has_a_slot_of_its_own(mailbox):
    assert mailbox.put('front', 1) is None
    assert mailbox.put('rear', 2) is None
    assert mailbox.put('front', 3) == 1
    assert [mailbox.take(), mailbox.take()] == [('front', 3), ('rear', 2)]
    mailbox.put('front', 4)
    mailbox.put('rear', 5)
    assert mailbox.stop() == [4, 5]


def test_a_fast_sender_takes_nothing_from_a_slow_one(mailbox):
    served = []
    for number in range(9):
        mailbox.put('fast', number)
        if number % 3 == 0:
            mailbox.put('slow', number)
            mailbox.put('other', number)
        mailbox.put('fast', number + 0.5)
        served.append(mailbox.take()[0])
    assert served == ['fast', 'slow', 'other'] * 3


def test_every_item_is_taken_once_or_replaced_and_in_order(mailbox):
    taken, replaced = [], []
    thread = consume(mailbox, taken.append)
    count = 20_000
    for number in range(1, count + 1):
        if (old := mailbox.put('camera', number)) is not None:
            replaced.append(old)
    assert mailbox.wait_idle(DEADLINE_S)
    mailbox.stop()
    thread.join(DEADLINE_S)
    assert taken == sorted(taken)
    assert taken[-1] == count
    assert sorted(taken + replaced) == list(range(1, count + 1))


def test_idle_means_slot_empty_and_work_done(mailbox):
    begun, finish = threading.Event(), threading.Event()

    def work(item):
        begun.set()
        finish.wait(DEADLINE_S)

    consume(mailbox, work)
    assert mailbox.wait_idle(DEADLINE_S)
    mailbox.put('camera', 'frame')
    assert begun.wait(DEADLINE_S)
    assert not mailbox.wait_idle(0.02)
    finish.set()
    assert mailbox.wait_idle(DEADLINE_S)


def test_who_waits_for_idle_is_woken_when_the_work_is_done(mailbox):
    begun, finish = threading.Event(), threading.Event()

    def work(item):
        begun.set()
        finish.wait(DEADLINE_S)

    consume(mailbox, work)
    mailbox.put('camera', 'frame')
    assert begun.wait(DEADLINE_S)
    waiting = threading.Thread(target=mailbox.wait_idle, args=(60 * DEADLINE_S,), daemon=True)
    waiting.start()
    waiting.join(0.05)
    finish.set()
    waiting.join(DEADLINE_S)
    assert not waiting.is_alive()


def test_a_consumer_that_has_not_begun_is_not_idle(mailbox):
    """The engine is being opened: who deactivates then waits for its first frame."""
    assert not mailbox.wait_idle(0)


def test_nobody_waits_for_a_stopped_consumer(mailbox):
    mailbox.put('camera', 'frame')
    assert not mailbox.wait_idle(0)
    mailbox.stop()
    assert mailbox.wait_idle(0)
