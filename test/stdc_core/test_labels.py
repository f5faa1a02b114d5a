import numpy as np
import pytest
import yaml

from stdc_core.labels import (
    CAMVID,
    CITYSCAPES,
    CITYSCAPES_TRAIN_IDS,
    LabelSet,
    LabelSetError,
    map_label_ids,
    open_label_set,
)

OWN = {
    'name': 'yard',
    'classes': [{'name': 'grass', 'color': [0, 200, 0]}, {'name': 'path', 'color': [9, 8, 7]}],
}


def test_bundled_sets_have_the_data_sets_classes():
    assert len(CAMVID) == 11
    assert CAMVID.names[3] == 'Road'
    assert CAMVID.ignore_id == 11
    assert len(CITYSCAPES) == 19
    assert CITYSCAPES.names[:3] == ('road', 'sidewalk', 'building')
    assert CITYSCAPES.ignore_id == 255


def test_cityscapes_ids_map_to_train_ids():
    assert len(CITYSCAPES_TRAIN_IDS) == 34
    assert sorted(set(CITYSCAPES_TRAIN_IDS)) == [*range(19), 255]
    label_ids = {
        7: 'road',
        8: 'sidewalk',
        17: 'pole',
        20: 'traffic sign',
        26: 'car',
        33: 'bicycle',
    }
    for label_id, name in label_ids.items():
        assert CITYSCAPES.names[CITYSCAPES_TRAIN_IDS[label_id]] == name


def test_ids_outside_the_mapping_become_unlabeled():
    ids = np.array([[-1, 0, 7], [33, 34, 200]])
    mapped = map_label_ids(ids, CITYSCAPES_TRAIN_IDS)
    assert mapped.dtype == np.uint8
    np.testing.assert_array_equal(mapped, [[255, 255, 0], [18, 255, 255]])


def test_own_set_from_yaml_and_back(tmp_path):
    path = tmp_path / 'yard.yaml'
    path.write_text(yaml.safe_dump(OWN))
    labels = open_label_set(str(path))
    assert labels == LabelSet('yard', ('grass', 'path'), ((0, 200, 0), (9, 8, 7)), 255)
    assert LabelSet.from_dict(labels.to_dict()) == labels


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'classes': []}, '0 classes'),
        ({'classes': 'road'}, "'classes' is str"),
        ({'name': None, 'classes': OWN['classes'] * 2}, 'more than once'),
        ({'colour': 1}, r'unknown colour \(known: classes, ignore_id, name\)'),
        ({'ignore_id': 1}, r'expected 2\.\.255'),
        ({'ignore_id': 'x'}, 'expected a whole number'),
        ({'classes': [{'name': 'a'}]}, 'class 0 has no color'),
        ({'classes': [{'name': 'a', 'color': [0, 0, 256]}]}, '256'),
        ({'classes': [{'name': 'a', 'color': '#fff'}]}, 'expected three values'),
        ({'classes': [{'name': 'a', 'color': [1, 2]}]}, 'expected three values'),
    ],
)
def test_bad_yaml_names_file_and_fault(tmp_path, change, message):
    path = tmp_path / 'bad.yaml'
    path.write_text(yaml.safe_dump({**OWN, **change}))
    with pytest.raises(LabelSetError, match=message) as error:
        LabelSet.from_yaml(path)
    assert str(path) in str(error.value)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('text', ['{', '- 1', 'just text', '', '\x00'])
def test_what_is_no_mapping_is_refused(tmp_path, text):
    path = tmp_path / 'bad.yaml'
    path.write_text(text)
    with pytest.raises(LabelSetError, match=r'bad\.yaml'):
        LabelSet.from_yaml(path)


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(LabelSetError, match="no label set 'kitti': expected camvid, cityscapes"):
        open_label_set('kitti')


def test_colorize_equals_a_loop_and_unlabeled_is_black():
    labels = np.random.default_rng(0).integers(0, 256, (13, 17), dtype=np.uint8)
    expected = np.zeros((13, 17, 3), np.uint8)
    for y, x in np.ndindex(labels.shape):
        if labels[y, x] < len(CAMVID):
            expected[y, x] = CAMVID.colors[labels[y, x]]
    np.testing.assert_array_equal(CAMVID.colorize(labels), expected)
    np.testing.assert_array_equal(CAMVID.colorize(labels, 'bgr'), expected[..., ::-1])


@pytest.mark.parametrize('opacity', [0.0, 0.3, 1.0])
def test_overlay_blends(opacity):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (9, 7, 3), dtype=np.uint8)
    labels = rng.integers(0, 11, (9, 7), dtype=np.uint8)
    expected = (1 - opacity) * image + opacity * CAMVID.colorize(labels)
    assert np.abs(CAMVID.overlay(image, labels, opacity) - expected).max() <= 0.51


def test_overlay_refuses_another_size():
    with pytest.raises(ValueError, match='image is 7x9 and its mask 7x8'):
        CAMVID.overlay(np.zeros((9, 7, 3), np.uint8), np.zeros((8, 7), np.uint8))
