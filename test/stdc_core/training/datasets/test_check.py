import json
import shutil

import cv2
import numpy as np
import pytest

from stdc_core.geometry import Size
from stdc_core.labels import CAMVID
from stdc_core.training.datasets import check, check_dataset, dataset, open_dataset
from stdc_core.training.datasets.class_weights import enet_class_weights
from stdc_core.training.datasets.problems import DatasetError


def check_folder(path):
    return check_dataset(open_dataset(path, allow_unpaired=True))


def test_report_counts_what_is_there(camvid):
    report = check_folder(camvid)
    assert report.ok
    report.require_ok()
    train, val = report.splits
    assert (train.name, train.pairs, train.sizes) == ('train', 3, {Size(3, 4): 3})
    assert train.class_pixels == train.class_images == (3,) * 11
    assert (train.ignored_pixels, train.pixels, train.ignored_share) == (3, 36, 3 / 36)
    assert train.unlabelled_images == 0
    assert train.sequences == {'0001TP': 1, '0016E5': 2}
    assert val.class_pixels == (2,) * 11
    assert report.training_split == 'train'
    assert report.class_weights == tuple(enet_class_weights([1] * 11).tolist())
    assert report.notes == (
        'train and val both have 0016E5: frames of one drive look alike, so scores are better '
        'than on a new drive',
    )


def test_histogram_equals_a_loop(camvid, write_pair):
    rng = np.random.default_rng(0)
    written = []
    for name in ('0001TP_1', '0001TP_2'):
        labels = rng.integers(0, 12, (5, 7), dtype=np.uint8)
        written.append(labels)
        write_pair(camvid / f'test/images/{name}.png', camvid / f'test/labels/{name}.png', labels)
    test = check_folder(camvid).splits[2]
    for class_id in range(11):
        assert test.class_pixels[class_id] == sum(int((m == class_id).sum()) for m in written)
        assert test.class_images[class_id] == sum(bool((m == class_id).any()) for m in written)
    assert test.ignored_pixels == sum(int((m == 11).sum()) for m in written)


def test_every_problem_of_every_file_is_collected(camvid, write_png):
    write_png(camvid / 'train/labels/0001TP_000030.png', [[12, 12, 200, 0]] * 3)
    write_png(camvid / 'train/labels/0016E5_000060.png', [[0]])
    (camvid / 'train/images/0016E5_000090.png').write_bytes(b'cut')
    (camvid / 'val/labels/0016E5_08001.png').write_bytes(b'cut')
    (camvid / 'val/images/0016E5_08004.png').touch()
    report = check_folder(camvid)
    assert not report.ok
    found = {(problem.path.name, problem.found, problem.pixels) for problem in report.problems}
    assert found == {
        ('0016E5_08004.png', 'images without labels', 0),
        ('0001TP_000030.png', 'label 12', 6),
        ('0001TP_000030.png', 'label 200', 3),
        ('0016E5_000060.png', 'labels of 1x1 (height x width)', 0),
        ('0016E5_000090.png', 'no image that OpenCV can read', 0),
        ('0016E5_08001.png', 'no PNG', 0),
    }
    assert len(report.problems) == len(found)
    with pytest.raises(
        DatasetError, match=r"'CamVid' is not fit for training \(problems: 6, over"
    ):
        report.require_ok()


def test_same_name_in_two_splits_is_an_overlap(camvid, write_pair):
    name = '0001TP_000030.png'
    write_pair(camvid / f'val/images/{name}', camvid / f'val/labels/{name}', np.zeros((3, 4)))
    report = check_folder(camvid)
    assert [str(overlap) for overlap in report.overlaps] == [
        'train/0001TP_000030 and val/0001TP_000030: same name'
    ]
    assert not report.ok
    with pytest.raises(
        DatasetError, match=r'overlaps between splits: 1\), first: train/0001TP_000030 and'
    ):
        report.require_ok()


def test_same_pixels_under_another_name_and_format_are_an_overlap(camvid):
    image = cv2.imread(str(camvid / 'train/images/0001TP_000030.png'))
    (camvid / 'val/images/0016E5_08001.png').unlink()
    cv2.imwrite(str(camvid / 'val/images/0016E5_08001.bmp'), image)
    assert [str(overlap) for overlap in check_folder(camvid).overlaps] == [
        'train/0001TP_000030 and val/0016E5_08001: same content'
    ]


def test_copied_file_is_one_overlap_by_name_and_content(camvid):
    for kind in ('images', 'labels'):
        shutil.copy(camvid / f'train/{kind}/0016E5_000060.png', camvid / f'val/{kind}/')
    (overlap,) = check_folder(camvid).overlaps
    assert overlap.same == ('name', 'content')


def test_every_pair_of_splits_is_compared(camvid):
    shutil.copytree(camvid / 'val', camvid / 'test')
    overlaps = check_folder(camvid).overlaps
    assert [overlap.first for overlap in overlaps] == ['val/0016E5_08001', 'val/0016E5_08003']


def test_names_may_repeat_where_the_data_set_says_so(tmp_path, write_pair):
    for split in ('train', 'val'):
        write_pair(
            tmp_path / f'{split}/i/0001.png', tmp_path / f'{split}/l/0001.png', np.zeros((3, 4))
        )
    text = """
        name: yard
        label_set: {classes: [{name: grass, color: [0, 200, 0]}]}
        label_kind: ids
        splits: {train: {images: train/i, labels: train/l}, val: {images: val/i, labels: val/l}}
    """
    path = tmp_path / 'yard.yaml'
    path.write_text(text)
    assert not check_folder(path).ok
    path.write_text(f'{text}\n        unique_names: false')
    report = check_folder(path)
    assert report.ok
    assert report.splits[0].sequences == {}
    shutil.copy(tmp_path / 'train/i/0001.png', tmp_path / 'val/i/0001.png')
    assert check_folder(path).overlaps[0].same == ('content',)


def test_absent_classes_and_unlabelled_images_are_noted(camvid, write_png):
    for path in (camvid / 'val/labels').iterdir():
        write_png(path, np.full((3, 4), 3))
    write_png(camvid / 'train/labels/0001TP_000030.png', np.full((3, 4), 11))
    for path in (camvid / 'train/labels').glob('0016E5*'):
        write_png(path, np.full((3, 4), 0))
    notes = check_folder(camvid).notes
    assert notes[0] == 'train: 1 images have no labelled pixel'
    assert notes[1].startswith('Building, Pole, Road, ')
    assert notes[1].endswith('Bicyclist: no pixel in train, cannot be learned there')
    assert notes[2].endswith('Bicyclist: no pixel in val, cannot be measured there')
    assert check_folder(camvid).ok


def test_split_without_labelled_pixel_is_a_problem(camvid, write_png):
    for path in (camvid / 'train/labels').iterdir():
        write_png(path, np.full((3, 4), 255))
    report = check_folder(camvid)
    assert [str(problem) for problem in report.problems] == [
        f"{camvid}/train/labels: no labelled pixel in split 'train', expected pixels of the "
        'classes: check that these are the right files and that their values are not ignored'
    ]
    assert report.class_weights == ()
    json.dumps(report.to_dict(), allow_nan=False)


def test_everything_is_read_once_and_progress_counts_up(camvid, monkeypatch):
    read = []
    monkeypatch.setattr(
        check, 'read_pair', lambda *pair: read.append(pair[0].name) or dataset.read_pair(*pair)
    )
    progress = []
    check_dataset(open_dataset(camvid), lambda done, total: progress.append((done, total)))
    assert len(read) == len(set(read)) == 5
    assert progress == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


def test_interrupting_reads_no_further(camvid, monkeypatch):
    for number in range(200):
        for kind in ('images', 'labels'):
            folder = camvid / 'train' / kind
            shutil.copy(folder / '0001TP_000030.png', folder / f'0001TP_1{number:05d}.png')
    read = []
    monkeypatch.setattr(
        check, 'read_pair', lambda *pair: read.append(pair) or dataset.read_pair(*pair)
    )

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_dataset(open_dataset(camvid), interrupt)
    assert len(read) < 203


def test_report_is_json(camvid):
    (camvid / 'val/images/0016E5_08004.png').touch()
    fields = json.loads(json.dumps(check_folder(camvid).to_dict(), allow_nan=False))
    assert fields['ok'] is False
    assert fields['splits']['train']['class_pixels']['Sky'] == 3
    assert fields['splits']['train']['sizes'] == {'3x4': 3}
    assert fields['problems'][0]['found'] == 'images without labels'
    assert 'ln' in fields['class_weights_formula']
    assert len(fields['class_weights']) == 11


def test_real_camvid_is_fit_for_training(real_camvid):
    opened = open_dataset(real_camvid)
    splits = tuple(split.only_sequences(['0016E5']) for split in opened.splits)
    report = check_dataset(dataset.SegmentationDataset('CamVid', CAMVID, splits))
    assert report.ok
    assert [split.pairs for split in report.splits] == [204, 101]
    assert [split.sizes for split in report.splits] == [{Size(360, 480): n} for n in (204, 101)]
    assert all(pixels > 0 for split in report.splits for pixels in split.class_pixels)
