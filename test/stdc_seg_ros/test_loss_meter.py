"""Recent losses from snapshots of a real ledger, on a clock of the test's own."""

import pytest

from stdc_seg_ros.frame_ledger import FrameLedger
from stdc_seg_ros.loss_meter import Loss, LossMeter


@pytest.fixture
def ledger():
    ledger = FrameLedger()
    ledger.set_active(True)
    return ledger


def test_what_was_lost_longer_ago_does_not_count(ledger):
    now = [0.0]
    meter = LossMeter(5.0, lambda: now[0])
    for number in (1, 2, 3, 8):  # four are lost at once
        ledger.received(b'camera', number)
    meter.add(ledger.snapshot())
    assert meter.recent() == Loss(0, 0, 0.0)
    for number in (9, 10, 12):
        now[0] += 2.0
        ledger.received(b'camera', number)
        meter.add(ledger.snapshot())
    assert meter.recent() == Loss(1, 3, 4.0)
    assert meter.recent().share == pytest.approx(1 / 3)


def test_a_frame_that_comes_late_was_not_lost(ledger):
    meter = LossMeter()
    for number in (1, 3):
        ledger.received(b'camera', number)
    meter.add(ledger.snapshot())
    ledger.received(b'camera', 2)
    meter.add(ledger.snapshot())
    assert meter.recent().share == 0


def test_where_nobody_knows_nothing_is_said(ledger):
    meter = LossMeter()
    assert meter.recent() is None
    ledger.received(b'camera', 1)
    meter.add(ledger.snapshot())
    ledger.received(None, None)
    meter.add(ledger.snapshot())
    assert meter.recent() is None
