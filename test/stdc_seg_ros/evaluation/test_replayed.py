"""Scores of a replay, of masks as a node would have left them; no node runs here."""

import cv2
import numpy as np
import pytest

from stdc_core.labels import CAMVID
from stdc_core.metrics import ConfusionMatrix
from stdc_seg_ros.bag.bag_writer import BagConfig
from stdc_seg_ros.bag.replay import ReplayResult
from stdc_seg_ros.evaluation import replayed
from stdc_seg_ros.evaluation.drive import DriveChoice, open_drive

CONFIG = BagConfig(rate_hz=10)


def stamp(number):
    return CONFIG.stamp_ns(number)


@pytest.fixture
def replay_of(bag, frames, model, tmp_path, monkeypatch):
    """Evaluate masks that are right, with the latencies given; others did not come."""

    def run(latencies_ms, rate=1.0, camera=None, size_of_third=(72, 96)):
        folder = tmp_path / 'masks'
        folder.mkdir()
        for number in latencies_ms:
            labels = frames[number].labels
            mask = np.zeros(size_of_third, np.uint8) if labels is None else labels
            cv2.imwrite(str(folder / f'{stamp(number)}.png'), mask)
        by_stamp = {stamp(number): ms for number, ms in latencies_ms.items()}
        camera = camera or {'frames published': '6', 'ledger balance': '0'}
        result = ReplayResult(folder, by_stamp, 0.6, camera, {})
        monkeypatch.setattr(replayed, 'replay', lambda config, show: result)
        drive = open_drive(DriveChoice(bag), CAMVID)
        return replayed.evaluate_replay(drive, model, tmp_path, rate)

    return run


def timely_by_hand(frames, pairs):
    """Score mask a against truth b."""
    matrix = ConfusionMatrix(11)
    for mask, truth in pairs:
        matrix.update(frames[truth].labels, frames[mask].labels)
    return matrix.scores().miou


def test_masks_in_time_are_as_good_timely(replay_of):
    found = replay_of(dict.fromkeys((0, 1, 3, 4, 5), 30.0))
    assert found.figures['miou'] == found.figures['timely_miou'] == 1
    assert found.figures['timely_coverage'] == 1
    assert found.figures['p50_ms'] == pytest.approx(30, rel=0.01)
    assert [row.outcome for row in found.rows] == ['processed'] * 2 + ['no mask'] + [
        'processed'
    ] * 3


def test_a_late_mask_is_scored_against_what_is_there_when_it_comes(replay_of, frames):
    found = replay_of({0: 110.0, 1: 210.0, 3: 190.0, 4: 110.0, 5: 110.0})
    # 5 comes after the last labels.
    expected = timely_by_hand(frames, [(0, 1), (1, 3), (3, 5), (4, 5)])
    assert found.figures['miou'] == 1
    assert found.figures['timely_miou'] == expected < 0.5
    assert found.figures['timely_coverage'] == 4 / 5
    assert [row.timely_stamp_ns for row in found.rows] == [
        stamp(1), stamp(3), None, stamp(5), stamp(5), None
    ]  # fmt: skip


def test_at_twice_the_rate_the_same_latency_is_twice_as_late(replay_of, frames):
    found = replay_of({0: 55.0, 3: 95.0}, rate=2.0)
    assert found.figures['timely_miou'] == timely_by_hand(frames, [(0, 1), (3, 5)])


def test_flicker_is_between_masks_that_came_one_after_the_other(replay_of):
    found = replay_of(dict.fromkeys((0, 3, 5), 10.0))
    assert found.counts.flicker.pairs == 2
    assert found.figures['flicker'] == 0  # the masks change as their truths do
    assert found.figures['changed'] > 0.5


def test_images_of_several_sizes_are_said(replay_of):
    found = replay_of(dict.fromkeys((0, 2, 3), 10.0), size_of_third=(40, 96))
    assert 'Images are of several sizes (96×40, 96×72)' in found.notes[0]
    assert found.counts.flicker.pairs == 0


def test_frames_that_are_unaccounted_for_are_said(replay_of):
    found = replay_of({0: 10.0}, camera={'ledger balance': '2'})
    assert found.notes == ['2 frames are unaccounted for.']


def test_a_clock_that_was_put_back_leaves_the_other_latencies(replay_of):
    found = replay_of({0: 30.0, 1: -3_599_970.0, 3: 30.0})
    assert [row.latency_ms for row in found.rows] == [30, None, None, 30, None, None]
    assert found.figures['max_ms'] == 30
    assert found.figures['timely_coverage'] == 2 / 3
    assert found.counts.masks == found.counts.labeled == 3
    expected = "1 latencies are not known: the system's clock was put back meanwhile."
    assert found.notes == [expected]
