import dataclasses
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from stdc_core.labels import CAMVID, CITYSCAPES
from stdc_core.training.datasets import DatasetError, open_dataset
from stdc_core.training.datasets.dataset import read_image


@pytest.fixture
def train(camvid):
    return open_dataset(camvid).split('train')


def test_load_gives_rgb_and_class_ids_and_255_for_the_own_ignore_id(tmp_path, write_pair):
    root = tmp_path / 'camvid/train'
    labels = np.arange(12, dtype=np.uint8).reshape(2, 6)
    pixels = write_pair(root / 'images/0001TP_1.png', root / 'labels/0001TP_1.png', labels)
    sample = open_dataset(root.parent).split('train').load(0)
    assert sample.name == '0001TP_1'
    assert sample.image.dtype == sample.labels.dtype == np.uint8
    np.testing.assert_array_equal(sample.image, pixels)
    np.testing.assert_array_equal(sample.labels, np.where(labels == 11, 255, labels))


def test_grey_images_get_three_channels(tmp_path):
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), np.full((3, 5), 7, np.uint8))
    np.testing.assert_array_equal(read_image(path), np.full((3, 5, 3), 7))


@pytest.mark.parametrize('content', [b'', b'no image', b'\xff\xd8\xff'])
def test_what_is_no_image_is_named(train, content):
    path = train.pairs[1].image_path
    path.write_bytes(content)
    with pytest.raises(
        DatasetError, match=r'(no image that OpenCV can read|it is cut off), expected'
    ) as error:
        train.load(1)
    assert str(path) in str(error.value)


def test_cut_off_jpeg_is_no_image(tmp_path):
    path = tmp_path / 'a.jpg'
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DatasetError, match=r'a\.jpg: it is cut off'):
        read_image(path)


def test_file_that_vanished_is_named(train):
    train.pairs[0].label_path.unlink()
    with pytest.raises(DatasetError, match=r'0001TP_000030\.png: No such file or directory'):
        train.load(0)


def test_another_size_of_the_labels_names_both_sizes(train, write_png):
    write_png(train.pairs[0].label_path, np.zeros((4, 3)))
    message = r'labels of 4x3 \(height x width\), expected 3x4 as its image has: resize'
    with pytest.raises(DatasetError, match=message):
        train.load(0)


def test_value_out_of_range_names_file_value_range_and_fix(train, write_png):
    labels = np.zeros((3, 4))
    labels[0] = (12, 12, 12, 200)
    write_png(train.pairs[0].label_path, labels)
    with pytest.raises(DatasetError) as error:
        train.load(0)
    assert str(error.value) == (
        f'{train.pairs[0].label_path}: label 12 (3 pixels), expected 0..11 or 255: describe the '
        'folder by a YAML file and map its ids with `ids:` (docs/datasets.md) '
        '(2 problems, check_dataset.py lists all)'
    )


def test_a_drive_can_be_left_out_or_taken_alone(train):
    assert train.sequences == {'0001TP': 1, '0016E5': 2}
    rest = train.without_sequences(['0016E5'])
    assert [pair.name for pair in rest.pairs] == ['0001TP_000030']
    alone = train.only_sequences({'0016E5'})
    assert [pair.name for pair in alone.pairs] == ['0016E5_000060', '0016E5_000090']
    assert alone.name == 'train, 0016E5'
    assert len(train) == 3
    assert alone.load(0).labels.shape == (3, 4)


def test_a_drive_left_out_takes_the_place_of_the_validation_split(camvid, train):
    dataset = open_dataset(camvid)
    assert dataset.training_splits('train', 'val') == (train, dataset.split('val'))
    left_out = train.without_sequences(['0001TP']), train.only_sequences(['0001TP'])
    for val in ('val', 'train', 'there is none'):
        assert dataset.training_splits('train', val, ['0001TP']) == left_out
    with pytest.raises(DatasetError, match="'train' is to be trained and evaluated on: name two"):
        dataset.training_splits('train', 'train')


@pytest.mark.parametrize(
    ('sequences', 'message'),
    [
        (['0006R0'], r"'train' has no sequence 0006R0 \(known: 0001TP, 0016E5\)"),
        ('0016E5', 'expected a list of names'),
        ([], 'expected a list of names'),
    ],
)
def test_wrong_sequences_are_refused(train, sequences, message):
    for select in (train.only_sequences, train.without_sequences):
        with pytest.raises(DatasetError, match=message):
            select(sequences)


def test_leaving_out_every_drive_is_refused(train):
    with pytest.raises(DatasetError, match='no pairs without the sequences 0001TP, 0016E5'):
        train.without_sequences(['0016E5', '0001TP'])


def test_unknown_split_lists_the_known_ones(camvid):
    with pytest.raises(DatasetError, match=r"no split 'test' \(known: train, val\)"):
        open_dataset(camvid).split('test')


def test_reading_data_sets_loads_no_torch():
    code = 'import sys, stdc_core.training.datasets; sys.exit("torch" in sys.modules)'
    subprocess.run([sys.executable, '-c', code], check=True, env=os.environ)


def test_real_camvid_has_the_known_frames(real_camvid):
    dataset = open_dataset(real_camvid)
    assert dataset.labels == CAMVID
    assert dataset.split('train').sequences == {'0001TP': 62, '0006R0': 101, '0016E5': 204}
    assert dataset.split('val').sequences == {'0016E5': 101}
    sample = dataset.split('val').load(50)
    assert sample.image.shape == (360, 480, 3)
    top, bottom = sample.labels[:40], sample.labels[-40:]
    road = CAMVID.names.index('Road')
    assert np.mean(bottom == road) > 0.5 > np.mean(top == road)


@pytest.mark.parametrize(
    ('mine', 'theirs', 'share', 'copies'),
    [(3, 2, 0.4, (1, 1)), (3, 24, 0.5, (8, 1)), (3, 1, 0.5, (1, 3)), (1, 100, 0.2, (400, 1))],
)
def test_mixing_repeats_whole_splits_to_come_near_the_share(train, mine, theirs, share, copies):
    first = dataclasses.replace(train, pairs=train.pairs[:1] * mine)
    second = dataclasses.replace(train, pairs=train.pairs[1:2] * theirs)
    mixed = first.mixed_with(second, share)
    found = [mixed.pairs.count(train.pairs[0]), mixed.pairs.count(train.pairs[1])]
    assert found == [copies[0] * mine, copies[1] * theirs]
    assert found[1] / len(mixed) == pytest.approx(share, abs=0.1)


def test_mixing_needs_the_same_classes_and_ids(train):
    for share in (0, 1, -0.5):
        with pytest.raises(DatasetError, match='expected a number above 0 and below 1'):
            train.mixed_with(train, share)
    other = dataclasses.replace(train, labels=CITYSCAPES)
    with pytest.raises(DatasetError, match="those of 'camvid11' here and of 'cityscapes19' there"):
        train.mixed_with(other, 0.5)
    shifted = dataclasses.replace(train.decoder, classes=((0, 1), (1, 0)))
    with pytest.raises(DatasetError, match='label 0 means class 1 in one of the two data sets'):
        train.mixed_with(dataclasses.replace(train, decoder=shifted), 0.5)
