from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import Writer
from rosbags.typesys import Stores, get_typestore

from stdc_core.labels import CAMVID
from stdc_seg_ros.bag.bag_reader import IMAGE, BagReader
from stdc_seg_ros.bag.bag_writer import IMAGE_TOPIC, LABEL_TOPIC, BagConfig
from stdc_seg_ros.bag.errors import BagError
from stdc_seg_ros.evaluation.drive import DriveChoice, open_drive
from stdc_seg_ros.evaluation.truth import FolderTruth, TopicTruth, TruthStream, check_match

CONFIG = BagConfig(rate_hz=10)


def stamp(number):
    return CONFIG.stamp_ns(number)


def test_labels_of_a_topic_by_stamp(bag, frames):
    truth = TopicTruth(bag, LABEL_TOPIC, CAMVID)
    assert truth.stamps == [stamp(number) for number in (0, 1, 3, 4, 5)]
    found = dict(truth.read([stamp(1), stamp(2), stamp(5)]))
    assert found.keys() == {stamp(1), stamp(5)}
    np.testing.assert_array_equal(found[stamp(5)], frames[5].labels)


def test_a_topic_without_labels_is_said(make_bag, frames, tmp_path):
    types = get_typestore(Stores.LATEST)
    with BagReader(make_bag(frames[2:3])) as bag, Writer(tmp_path / 'quiet', version=8) as writer:
        image = writer.add_connection(IMAGE_TOPIC, IMAGE, typestore=types)
        writer.add_connection(LABEL_TOPIC, IMAGE, typestore=types)
        for message in bag.read_raw([IMAGE_TOPIC]):
            writer.write(image, message.recorded_ns, message.data)
    drive = open_drive(DriveChoice(tmp_path / 'quiet'), CAMVID)
    assert drive.truth is None
    assert drive.notes == ('There are no labels in topic /camera/labels.',)


@pytest.mark.parametrize('name', ['{0}.png', '{1}.{2:09}.png', '{1}_{2:09}.png'])
def test_labels_of_a_folder_by_stamp(tmp_path, frames, name):
    for number in (0, 1):
        file = name.format(stamp(number), *divmod(stamp(number), 10**9))
        cv2.imwrite(str(tmp_path / file), frames[number].labels)
    cv2.imwrite(str(tmp_path / 'overview.png'), frames[0].labels)
    truth = FolderTruth(tmp_path, CAMVID)
    assert truth.stamps == [stamp(0), stamp(1)]
    [(found, labels)] = truth.read([stamp(1)])
    assert found == stamp(1)
    np.testing.assert_array_equal(labels, frames[1].labels)


def test_a_folder_without_stamps_is_refused(tmp_path):
    with pytest.raises(BagError, match='has no labels named by stamp'):
        FolderTruth(tmp_path, CAMVID)
    with pytest.raises(BagError, match='there is no folder of labels'):
        FolderTruth(tmp_path / 'gone', CAMVID)


def test_a_stream_gives_each_once_in_any_order():
    kept = {number: np.full((1, 1), number, np.uint8) for number in (3, 1, 2, 9)}
    source = SimpleNamespace(
        stamps=sorted(kept), read=lambda stamps: ((s, kept[s]) for s in kept if s in stamps)
    )
    stream = TruthStream(source, [1, 2, 3, 4])
    found = [stream.take(number) for number in (1, 4, 2, 3, 3)]
    assert [None if labels is None else int(labels[0, 0]) for labels in found] == [
        1,
        None,
        2,
        3,
        None,
    ]


@pytest.mark.parametrize(
    ('offset', 'gap'), [(7, '7.000'), (-40, '40.000'), (100_000, '99500.000')]
)
def test_labels_that_match_no_stamp_say_the_nearest_gap(offset, gap):
    images = [number * 100_000_000 for number in range(6)]
    truth = SimpleNamespace(source='x', stamps=[s + offset * 1_000_000 for s in images])
    with pytest.raises(BagError, match=rf'match no image: the nearest, -?\d+, is {gap} ms from'):
        check_match(images, truth)
    truth.stamps = sorted([*truth.stamps, images[3]])
    assert check_match(images, truth) == 1
