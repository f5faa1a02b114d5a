"""Recent frames from snapshots of a real ledger, on a clock of the test's own."""

import pytest

from stdc_seg_ros.frame_ledger import FrameLedger
from stdc_seg_ros.recent_frames import LedgerWindow, RecentFrames


@pytest.fixture
def ledger():
    ledger = FrameLedger()
    ledger.set_active(True)
    return ledger


def receive(ledger, *numbers):
    for number in numbers:
        ledger.received(b'camera', number)


def test_what_happened_longer_ago_does_not_count(ledger):
    now = [0.0]
    window = LedgerWindow(5.0, lambda: now[0])
    receive(ledger, 1, 2, 3, 8)  # four are lost at once
    window.add(ledger.snapshot())
    assert window.recent() == RecentFrames(0.0, 0, 0, 0, 0, 0)
    for number in (9, 10, 12):
        now[0] += 2.0
        receive(ledger, number)
        ledger.replaced()
        window.add(ledger.snapshot())
    recent = window.recent()
    assert recent == RecentFrames(4.0, published=3, received=2, replaced=2, faulty=0, lost=1)
    assert recent.lost_share == pytest.approx(1 / 3)
    assert recent.replaced_share == 1
    window.clear()
    assert window.recent() == RecentFrames(0.0, 0, 0, 0, 0, 0)


def test_a_frame_that_comes_late_was_not_lost(ledger):
    window = LedgerWindow()
    receive(ledger, 1, 3)
    window.add(ledger.snapshot())
    receive(ledger, 2)
    window.add(ledger.snapshot())
    assert window.recent().lost == window.recent().lost_share == 0


def test_where_nobody_knows_of_losses_none_are_told(ledger):
    window = LedgerWindow()
    receive(ledger, 1)
    window.add(ledger.snapshot())
    ledger.received(None, None)
    window.add(ledger.snapshot())
    assert window.recent().lost is window.recent().published is None
    assert window.recent().lost_share == 0


def test_what_was_rejected_or_failed_is_faulty(ledger):
    window = LedgerWindow()
    window.add(ledger.snapshot())
    receive(ledger, 1, 2, 3)
    ledger.rejected()
    ledger.failed()
    ledger.processed()
    window.add(ledger.snapshot())
    assert window.recent().faulty == 2
