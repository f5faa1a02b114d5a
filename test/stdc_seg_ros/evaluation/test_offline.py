"""Offline evaluation against the engine and the metrics used by hand."""

import csv
import json

import numpy as np
import pytest

from stdc_core.engines import open_engine
from stdc_core.evaluation.drive_counts import DriveCounts, Masks
from stdc_core.labels import CAMVID
from stdc_seg_ros.bag.bag_writer import BagConfig
from stdc_seg_ros.bag.errors import BagError
from stdc_seg_ros.bag.mask_files import read_mask
from stdc_seg_ros.evaluation.drive import DriveChoice, open_drive
from stdc_seg_ros.evaluation.files import write_csv, write_json
from stdc_seg_ros.evaluation.offline import evaluate_offline

CONFIG = BagConfig(rate_hz=10)


@pytest.fixture(scope='module')
def engine(model_path):
    with open_engine(model_path, 'openvino', detail=True) as engine:
        yield engine


def evaluate(bag, engine, output, **choice):
    return evaluate_offline(open_drive(DriveChoice(bag, **choice), CAMVID), engine, output)


def test_every_frame_is_scored_as_by_hand(bag, frames, engine, tmp_path):
    found = evaluate(bag, engine, tmp_path)
    expected, before = DriveCounts(11), None
    for number, frame in enumerate(frames):
        result = engine.infer(frame.image, color_order='rgb', confidence=True)
        masks = Masks(
            result.labels.copy(), frame.labels, result.confidence.copy(), result.detail.copy()
        )
        scores = expected.add_mask(masks, before)
        before = masks
        row = found.rows[number]
        assert (row.stamp_ns, row.scores) == (CONFIG.stamp_ns(number), scores)
        assert row.labeled == (frame.labels is not None)
        np.testing.assert_array_equal(read_mask(found.masks, row.stamp_ns), masks.prediction)
    mine, by_hand = found.counts.to_dict(), expected.to_dict()
    latencies = mine.pop('latencies')
    by_hand.pop('latencies')
    assert mine == by_hand
    assert (found.counts.masks, found.counts.labeled) == (6, 5)
    assert latencies.keys() == {'decode', 'resize', 'network', 'tail', 'engine'}
    assert found.truth == 'topic /camera/labels'


def test_the_files_have_every_figure_and_every_frame(bag, engine, tmp_path):
    found = evaluate(bag, engine, tmp_path)
    write_json(tmp_path / 'figures.json', found)
    write_csv(tmp_path / 'frames.csv', found)
    fields = json.loads((tmp_path / 'figures.json').read_text())
    assert fields['figures']['miou'] == found.figures['miou']
    assert fields['figures']['timely_miou'] is None
    assert DriveCounts.from_dict(fields['counts']).to_dict() == found.counts.to_dict()
    rows = list(csv.DictReader((tmp_path / 'frames.csv').read_text().splitlines()))
    assert [int(row['stamp_ns']) for row in rows] == [row.stamp_ns for row in found.rows]
    assert [row['miou'] == '' for row in rows] == [False, False, True, False, False, False]


def test_frames_without_labels_count_for_change_and_latency(make_bag, frames, engine, tmp_path):
    bag = make_bag([frame._replace(labels=None) for frame in frames])
    found = evaluate(bag, engine, tmp_path)
    assert (found.truth, found.counts.labeled, found.counts.flicker.pairs) == (None, 0, 5)
    assert np.isnan(found.figures['miou'])
    assert found.figures['p50_ms'] > 0


def test_labels_of_another_size_are_refused(bag, frames, engine, tmp_path):
    import cv2

    folder = tmp_path / 'labels'
    folder.mkdir()
    cv2.imwrite(str(folder / f'{CONFIG.stamp_ns(1)}.png'), frames[1].labels[:40])
    with pytest.raises(BagError, match='are 40x96, expected 72x96'):
        evaluate(bag, engine, tmp_path, label_folder=folder)


def test_images_of_several_sizes_are_evaluated_and_said(make_bag, frames, engine, tmp_path):
    small = frames[1]._replace(image=frames[1].image[:40].copy(), labels=None)
    found = evaluate(make_bag([frames[0], small, frames[3]]), engine, tmp_path)
    assert found.counts.masks == 3
    assert found.counts.flicker.pairs == 0
    assert 'Images are of several sizes (96×40, 96×72)' in found.notes[0]


def test_images_that_cannot_be_read_are_counted(bag, engine, tmp_path, monkeypatch):
    from stdc_seg_ros.evaluation import drive as drive_module

    decode = drive_module.decode_image

    def fail_on_second(message):
        if message.header.stamp.nanosec in broken:
            message.step = 1
        return decode(message)

    broken = {CONFIG.stamp_ns(1) % 10**9}
    monkeypatch.setattr(drive_module, 'decode_image', fail_on_second)
    found = evaluate(bag, engine, tmp_path)
    assert [row.outcome for row in found.rows][:3] == ['processed', 'rejected', 'processed']
    assert found.ledger['frames rejected'] == '1'
    assert '1 images cannot be read' in found.notes[0]
    broken |= {CONFIG.stamp_ns(number) % 10**9 for number in range(6)}
    with pytest.raises(BagError, match='none of 6 images can be read'):
        evaluate(bag, engine, tmp_path)


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_a_cut_bag_is_evaluated_as_far_as_it_goes(make_bag, frames, engine, tmp_path, storage):
    large = [
        frame._replace(image=frame.image.repeat(6, 0).repeat(6, 1), labels=None)
        for frame in frames
    ]
    bag = make_bag(large, config=BagConfig(rate_hz=10, storage=storage))
    [file] = bag.glob('bag.*')
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])
    found = evaluate(bag, engine, tmp_path)
    assert 0 < found.counts.masks < 6
    said = f'Damaged bag: {found.counts.masks} images could be read of the 6 that its metadata'
    assert said in found.notes[0]
    file.write_bytes(file.read_bytes()[:30_000])
    with pytest.raises(BagError, match=r'has no images that can be read \(\w+Error: .*nothing to'):
        evaluate(bag, engine, tmp_path)
