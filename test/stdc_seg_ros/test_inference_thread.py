"""The thread that owns the engine, without ROS."""

import queue
import threading

import pytest

from stdc_core.errors import UserError
from stdc_seg_ros.inference_thread import InferenceThread, InterruptedStartError
from stdc_seg_ros.mailbox import Mailbox

DEADLINE_S = 20


class FakePair:
    def __init__(self):
        self.opened_in, self.closed_in = threading.current_thread().name, None

    def close(self, timeout_s):
        self.closed_in = threading.current_thread().name


def never():
    return False


def test_engines_are_opened_used_and_closed_in_one_thread():
    worked, mailbox = queue.Queue(), Mailbox()

    def work(sender, engines, item):
        worked.put((sender, engines, item, threading.current_thread().name))

    thread = InferenceThread(FakePair, work, mailbox)
    engines = thread.start(never)
    mailbox.put('camera', 'frame')
    assert worked.get(timeout=DEADLINE_S) == ('camera', engines, 'frame', 'inference')
    assert thread.stop(DEADLINE_S)
    assert engines.opened_in == engines.closed_in == 'inference'


def test_what_opening_raises_comes_out_of_start():
    def fail():
        raise UserError('no such model')

    thread = InferenceThread(fail, print, Mailbox())
    with pytest.raises(UserError, match='no such model'):
        thread.start(never)
    assert thread.stop(DEADLINE_S)


def test_a_start_can_be_given_up():
    gate, opened = threading.Event(), []

    def open_slowly():
        gate.wait(DEADLINE_S)
        opened.append(FakePair())
        return opened[0]

    thread = InferenceThread(open_slowly, print, Mailbox())
    with pytest.raises(InterruptedStartError):
        thread.start(lambda: True)
    assert not thread.stop(0.01)
    gate.set()
    assert thread.stop(DEADLINE_S)
    assert opened[0].closed_in == 'inference'


def test_stop_waits_for_the_frame_in_hand():
    begun, gate, mailbox = threading.Event(), threading.Event(), Mailbox()

    def work(sender, engines, item):
        begun.set()
        gate.wait(DEADLINE_S)

    thread = InferenceThread(FakePair, work, mailbox)
    thread.start(never)
    mailbox.put('camera', 'frame')
    assert begun.wait(DEADLINE_S)
    assert not thread.stop(0.01)
    gate.set()
    assert thread.stop(DEADLINE_S)


@pytest.mark.filterwarnings('ignore::pytest.PytestUnhandledThreadExceptionWarning')
def test_a_thread_that_dies_says_so_and_one_that_was_told_to_end_has_not_died():
    def work(sender, engines, item):
        raise RuntimeError('what work is to catch')

    for item in ('frame', None):
        thread = InferenceThread(FakePair, work, mailbox := Mailbox())
        thread.start(never)
        assert not thread.has_died
        if item is None:
            assert thread.stop(DEADLINE_S)
        else:
            mailbox.put('camera', item)
            thread._thread.join(DEADLINE_S)
        assert thread.has_died == (item is not None)
