import json

import numpy as np
import pytest

from stdc_core.labels import CAMVID
from stdc_core.training.datasets import DatasetError, open_dataset
from stdc_core.training.datasets.camvid import open_camvid


def test_splits_that_are_there_are_opened(camvid):
    dataset = open_camvid(camvid)
    assert [(split.name, len(split)) for split in dataset.splits] == [('train', 3), ('val', 2)]
    assert dataset.labels == CAMVID
    assert [pair.sequence for pair in dataset.split('val').pairs] == ['0016E5', '0016E5']


def test_palette_pngs_load_as_ids(camvid, write_png):
    pair = open_camvid(camvid).split('val').pairs[0]
    labels = np.arange(12).reshape(3, 4)
    palette = [*CAMVID.colors, (0, 0, 0), *[(1, 2, 3)] * 4]
    write_png(pair.label_path, labels, bits=4, color_type=3, palette=palette)
    loaded = open_camvid(camvid).split('val').load(0).labels
    assert loaded.ravel().tolist() == [*range(11), 255]


def test_folder_without_splits_is_refused(tmp_path):
    with pytest.raises(DatasetError, match='no folder train, val or test, expected CamVid'):
        open_camvid(tmp_path)


def test_split_without_labels_is_refused(camvid):
    (camvid / 'test/images').mkdir(parents=True)
    with pytest.raises(DatasetError, match=r"split 'test' has no images"):
        open_camvid(camvid)
    (camvid / 'test/images/a.jpg').touch()
    with pytest.raises(DatasetError, match=r'there is no folder .*/test/labels'):
        open_camvid(camvid)


def test_classes_json_must_name_the_classes_we_think_of(camvid):
    path = camvid / 'classes.json'
    path.write_text(json.dumps({'names': [*CAMVID.names, 'Unlabelled']}))
    open_camvid(camvid)
    path.write_text(json.dumps({'names': ['Road', *CAMVID.names]}))
    with pytest.raises(DatasetError, match=r'classes\.json names the classes Road, Sky, .*YAML'):
        open_dataset(camvid)


@pytest.mark.parametrize('text', ['', '[]', '{}', '{"names": 3}', '\xff'])
def test_broken_classes_json_is_named(camvid, text):
    (camvid / 'classes.json').write_bytes(text.encode('latin-1'))
    with pytest.raises(DatasetError, match=r"classes\.json is no JSON with a list 'names'"):
        open_camvid(camvid)
