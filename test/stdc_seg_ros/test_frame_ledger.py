"""The ledger's rules, one by one."""

import dataclasses

import pytest

from stdc_seg_ros.frame_ledger import MAX_EPOCHS, MAX_GAPS, FrameLedger, LedgerSnapshot

FRONT, REAR = b'front', b'rear'
OUTCOMES = ('processed', 'replaced', 'rejected', 'failed')


@pytest.fixture
def ledger():
    ledger = FrameLedger()
    ledger.set_active(True)
    return ledger


def arrive(ledger, numbers, publisher=FRONT):
    return [ledger.received(publisher, number) for number in numbers]


def counts(ledger):
    """Collect what is not zero."""
    snapshot = ledger.snapshot()
    assert snapshot.balance == 0
    return {key: value for key, value in dataclasses.asdict(snapshot).items() if value != 0}


def test_nothing_came():
    assert counts(FrameLedger()) == {}


def test_before_it_is_active_it_takes_nothing():
    ledger = FrameLedger()
    assert arrive(ledger, (1, 2)) == [False, False]
    assert counts(ledger) == {'while_inactive': 2, 'epochs': 1}


def test_it_says_its_sum(ledger):
    arrive(ledger, (1, 2, 4))
    ledger.processed()
    ledger.rejected()
    assert str(ledger.snapshot()) == (
        'published 4 = processed 1 + replaced 0 + rejected 1 + failed 0 + lost 1 + in flight 1'
    )
    arrive(ledger, (None,))
    assert str(ledger.snapshot()).startswith('published unknown = processed 1 + ')
    assert ' + lost unknown + in flight 2' in str(ledger.snapshot())


def test_every_outcome_has_its_place(ledger):
    assert all(arrive(ledger, range(1, 20)))
    for times, outcome in enumerate(OUTCOMES, start=2):
        for _ in range(times):
            getattr(ledger, outcome)()
    assert counts(ledger) == {
        'published': 19,
        'received': 19,
        'processed': 2,
        'replaced': 3,
        'rejected': 4,
        'failed': 5,
        'in_flight': 5,
        'epochs': 1,
    }


def test_gaps_in_the_numbers_are_lost_frames(ledger):
    arrive(ledger, (10, 11, 15, 16, 18))  # what was before 10 is not ours to count
    assert counts(ledger) == {
        'published': 9,
        'received': 5,
        'lost': 4,
        'in_flight': 5,
        'epochs': 1,
    }


def test_without_numbers_the_loss_is_unknown_and_not_zero(ledger):
    assert all(arrive(ledger, (None, None)))
    ledger.processed()
    assert counts(ledger) == {
        'published': None,
        'received': 2,
        'processed': 1,
        'lost': None,
        'in_flight': 1,
    }


def test_a_repeated_frame_is_not_worked_on_twice(ledger):
    assert arrive(ledger, (1, 2, 2, 1)) == [True, True, False, False]
    assert counts(ledger) == {
        'published': 2,
        'received': 2,
        'in_flight': 2,
        'duplicates': 2,
        'epochs': 1,
    }


def test_an_overtaken_frame_was_not_lost_and_is_not_worked_on(ledger):
    assert arrive(ledger, (1, 6, 4, 4, 3, 5)) == [True, True, False, False, False, False]
    assert counts(ledger) == {
        'published': 6,
        'received': 5,
        'lost': 1,
        'replaced': 3,
        'overtaken': 3,
        'duplicates': 1,
        'in_flight': 2,
        'epochs': 1,
    }


def test_a_restarted_publisher_begins_an_epoch(ledger):
    arrive(ledger, (100, 102))
    arrive(ledger, (1, 2), b'front again')
    assert counts(ledger) == {
        'published': 5,
        'received': 4,
        'lost': 1,
        'in_flight': 4,
        'epochs': 2,
    }


def test_two_publishers_with_gids_are_told_apart(ledger):
    for number in range(5):
        assert ledger.received(FRONT, 100 + 2 * number)
        assert ledger.received(REAR, number)
    ledger.set_publishers(2)
    assert counts(ledger) == {
        'published': 14,
        'received': 10,
        'lost': 4,
        'in_flight': 10,
        'epochs': 2,
    }


def test_a_restart_without_gid_is_seen_by_the_numbers_going_back(ledger):
    assert all(arrive(ledger, (7, 8, 10, 1, 2), publisher=None))
    assert counts(ledger) == {
        'published': 6,
        'received': 5,
        'lost': 1,
        'in_flight': 5,
        'epochs': 2,
    }


def test_without_gid_the_time_of_publishing_tells_a_restart_from_a_duplicate(ledger):
    assert ledger.received(None, 1, source_ns=1000)
    assert ledger.received(None, 2, source_ns=1100)
    assert not ledger.received(None, 1, source_ns=1000)
    assert ledger.received(None, 1, source_ns=1200)
    assert counts(ledger) == {
        'published': 3,
        'received': 3,
        'in_flight': 3,
        'duplicates': 1,
        'epochs': 2,
    }


@pytest.mark.parametrize(('before', 'now'), [(None, 1000), (1000, None), (None, None)])
def test_where_one_time_of_publishing_is_unknown_the_numbers_tell(ledger, before, now):
    assert ledger.received(None, 5, before)
    assert not ledger.received(None, 5, now)  # again
    assert ledger.received(None, 3, now)
    assert counts(ledger) == {
        'published': 2,
        'received': 2,
        'in_flight': 2,
        'duplicates': 1,
        'epochs': 2,
    }


def test_published_at_the_same_time_is_no_restart(ledger):
    assert ledger.received(None, 2, source_ns=1000)
    assert not ledger.received(None, 1, source_ns=1000)
    assert counts(ledger)['duplicates'] == 1


def test_with_one_publisher_and_no_gid_the_loss_is_known(ledger):
    arrive(ledger, (1, 3), publisher=None)
    ledger.set_publishers(1)
    arrive(ledger, (5,), publisher=None)
    assert counts(ledger) == {
        'published': 5,
        'received': 3,
        'lost': 2,
        'in_flight': 3,
        'epochs': 1,
    }


def test_with_two_publishers_and_no_gids_the_loss_is_unknown(ledger):
    arrive(ledger, (1, 3), publisher=None)
    ledger.set_publishers(2)
    assert all(arrive(ledger, (70, 4, 71, 5), publisher=None))
    ledger.set_publishers(1)
    arrive(ledger, (72, 74), publisher=None)
    assert counts(ledger) == {
        'published': None,
        'received': 8,
        'lost': None,
        'in_flight': 8,
        'epochs': 2,
    }


def test_a_second_publisher_without_gid_makes_the_loss_unknown_at_once(ledger):
    arrive(ledger, (7,), publisher=None)
    assert ledger.snapshot().published == 1
    ledger.set_publishers(2)
    assert counts(ledger)['published'] is None
    ledger.set_publishers(1)
    ledger.set_active(False)
    arrive(ledger, (8,), publisher=None)
    ledger.set_publishers(2)  # nothing of that one was taken
    assert counts(ledger)['published'] is None


def test_two_publishers_that_were_heard_only_while_inactive_lost_nothing():
    ledger = FrameLedger()
    arrive(ledger, (None, None))
    arrive(ledger, (1, 3), publisher=None)
    ledger.set_publishers(2)
    ledger.set_active(True)
    assert counts(ledger) == {'while_inactive': 5, 'epochs': 1}


def test_what_is_published_while_inactive_is_counted_apart(ledger):
    arrive(ledger, (1, 2, 4))
    ledger.set_active(False)
    ledger.set_active(True)
    arrive(ledger, (10, 12))  # 5 .. 9 came while nobody subscribed
    assert counts(ledger) == {
        'published': 7,
        'received': 5,
        'lost': 2,
        'in_flight': 5,
        'while_inactive': 5,
        'epochs': 1,
    }


def test_activated_again_while_active_loss_stays_loss(ledger):
    arrive(ledger, (1,))
    ledger.set_active(True)
    arrive(ledger, (4,))
    assert ledger.snapshot().lost == 2
    assert counts(ledger).get('while_inactive') is None


def test_what_arrives_while_inactive_is_not_worked_on(ledger):
    arrive(ledger, (1, 3))
    ledger.set_active(False)
    assert arrive(ledger, (4, 6, 2)) == [False] * 3
    assert arrive(ledger, (None,)) == [False]
    ledger.set_active(True)
    arrive(ledger, (8,))
    assert counts(ledger) == {
        'published': 3,
        'received': 3,
        'in_flight': 3,
        'while_inactive': 6,
        'overtaken': 1,
        'epochs': 1,
    }


def test_of_old_epochs_the_sums_stay(ledger):
    for life in range(3 * MAX_EPOCHS):
        arrive(ledger, (5, 6, 8), b'camera %d' % life)
    assert len(ledger._epochs) == MAX_EPOCHS
    assert counts(ledger) == {
        'published': 4 * 3 * MAX_EPOCHS,
        'received': 3 * 3 * MAX_EPOCHS,
        'in_flight': 3 * 3 * MAX_EPOCHS,
        'lost': 3 * MAX_EPOCHS,
        'epochs': 3 * MAX_EPOCHS,
    }


def test_of_old_epochs_stays_what_came_while_inactive():
    ledger = FrameLedger()
    for life in range(2 * MAX_EPOCHS):
        arrive(ledger, (5, 7), b'camera %d' % life)
    assert counts(ledger) == {'while_inactive': 3 * 2 * MAX_EPOCHS, 'epochs': 2 * MAX_EPOCHS}


@pytest.mark.parametrize(('published', 'lost'), [(10, 3), (None, None), (10, None), (None, 3)])
def test_a_frame_that_nobody_counted_is_the_balance(published, lost):
    """By hand: of seven that came one has no outcome, and the ledger does not hide it."""
    snapshot = LedgerSnapshot(
        published=published,
        received=7,
        processed=1,
        replaced=1,
        rejected=1,
        failed=1,
        lost=lost,
        in_flight=2,
        while_inactive=5,
        overtaken=0,
        duplicates=9,
        epochs=1,
    )
    assert snapshot.balance == 1


def test_a_publisher_that_goes_on_outlives_others_that_restart(ledger):
    for number in range(3 * MAX_EPOCHS):
        arrive(ledger, (2 * number,))
        arrive(ledger, (1,), b'camera %d' % number)
    assert ledger.snapshot().epochs == 1 + 3 * MAX_EPOCHS
    assert ledger.snapshot().lost == 3 * MAX_EPOCHS - 1


def test_memory_is_bounded_however_many_gaps(ledger):
    arrive(ledger, range(0, 20 * MAX_GAPS, 2))
    before = counts(ledger)
    assert arrive(ledger, (1, 20 * MAX_GAPS - 3)) == [False, False]
    assert counts(ledger) == {
        **before,
        'received': before['received'] + 1,
        'lost': before['lost'] - 1,
        'replaced': 1,
        'overtaken': 1,
        'duplicates': 1,
    }
