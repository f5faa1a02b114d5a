import shutil

import pytest

from stdc_core.training.datasets import DatasetError, open_dataset


def test_auto_needs_camvids_own_names(camvid):
    assert open_dataset(camvid).name == 'CamVid'
    for path in [*camvid.glob('*/*/*.png')]:
        path.rename(path.with_name(f'yard{path.name}'))
    with pytest.raises(
        DatasetError, match='like none of folder, cityscapes, camvid-original, cam'
    ):
        open_dataset(camvid)
    assert open_dataset(camvid, 'camvid').name == 'CamVid'


@pytest.mark.parametrize(
    ('path', 'layout', 'message'),
    [
        ('gone', 'auto', 'there is no data set gone'),
        ('.', 'kitti', r"unknown layout 'kitti' \(known: auto, camvid, camvid-original"),
        ('.', 'folder', r"\. is not a YAML file, as layout 'folder' needs"),
        (__file__, 'camvid', "is not a folder, as layout 'camvid' needs"),
    ],
)
def test_wrong_path_or_layout_is_refused(path, layout, message):
    with pytest.raises(DatasetError, match=message):
        open_dataset(path, layout)


def test_unpaired_files_are_refused_unless_allowed(camvid):
    (camvid / 'val/labels/0016E5_08001.png').unlink()
    (camvid / 'train/images/0001TP_000030.png').unlink()
    with pytest.raises(DatasetError, match=r'labels without images.*\(2 problems, check_dataset'):
        open_dataset(camvid)
    dataset = open_dataset(camvid, allow_unpaired=True)
    assert [len(split) for split in dataset.splits] == [2, 1]
    assert len(dataset.problems) == 2


def test_empty_split_is_refused(camvid):
    shutil.rmtree(camvid / 'val/images')
    (camvid / 'val/images').mkdir()
    with pytest.raises(DatasetError, match="split 'val' has no images"):
        open_dataset(camvid, allow_unpaired=True)
