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
        while (item := mailbox.take()) is not None:
            work(item)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_newest_frame_replaces_waiting_one(mailbox):
    assert mailbox.put('first') is None
    assert mailbox.put('second') == 'first'
    assert mailbox.put('third') == 'second'
    assert mailbox.take() == 'third'


def test_take_waits_for_an_item(mailbox):
    taken = queue.Queue()
    consume(mailbox, taken.put)
    with pytest.raises(queue.Empty):
        taken.get(timeout=0.02)
    mailbox.put('frame')
    assert taken.get(timeout=DEADLINE_S) == 'frame'


def test_stop_ends_a_waiting_consumer(mailbox):
    thread = consume(mailbox, print)
    assert mailbox.stop() is None
    thread.join(DEADLINE_S)
    assert not thread.is_alive()


def test_stop_gives_back_what_waited_and_what_comes_later(mailbox):
    mailbox.put('waiting')
    assert mailbox.stop() == 'waiting'
    assert mailbox.put('later') == 'later'
    assert mailbox.take() is None


def test_falsy_items_are_items(mailbox):
    assert mailbox.put(0) is None
    assert mailbox.put(1) == 0


def test_every_item_is_taken_once_or_replaced_and_in_order(mailbox):
    taken, replaced = [], []
    thread = consume(mailbox, taken.append)
    count = 20_000
    for number in range(1, count + 1):
        if (old := mailbox.put(number)) is not None:
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
    mailbox.put('frame')
    assert begun.wait(DEADLINE_S)
    assert not mailbox.wait_idle(0.02)
    finish.set()
    assert mailbox.wait_idle(DEADLINE_S)


def test_nobody_waits_for_a_stopped_consumer(mailbox):
    mailbox.put('frame')
    assert not mailbox.wait_idle(0)
    mailbox.stop()
    assert mailbox.wait_idle(0)
