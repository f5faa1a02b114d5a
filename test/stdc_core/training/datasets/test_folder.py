import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from stdc_core.labels import CAMVID
from stdc_core.training.datasets import DatasetError, open_dataset

ROOT = Path(__file__).parents[4]
CLASSES = [{'name': 'grass', 'color': [0, 200, 0]}, {'name': 'path', 'color': [9, 8, 7]}]
YARD = {
    'name': 'yard',
    'label_set': {'classes': CLASSES},
    'label_kind': 'ids',
    'splits': {'train': {'images': 'train/images', 'labels': 'train/labels'}},
}


@pytest.fixture
def describe(tmp_path, write_pair):
    """Write labels for one pair and a YAML file that describes it."""

    def write(labels=((0, 1),), **change):
        for name in ('a_1', 'b_1'):
            paths = (tmp_path / f'train/{kind}/{name}.png' for kind in ('images', 'labels'))
            write_pair(*paths, np.array(labels))
        path = tmp_path / 'yard.yaml'
        fields = {key: value for key, value in {**YARD, **change}.items() if value is not None}
        path.write_text(yaml.safe_dump(fields))
        return path

    return write


def labels_of(path):
    return open_dataset(path).split('train').load(0).labels.tolist()


def test_inline_classes_and_ids(describe):
    dataset = open_dataset(describe([[0, 1, 255]]))
    assert dataset.name == dataset.labels.name == 'yard'
    assert dataset.labels.names == ('grass', 'path')
    assert dataset.unique_names
    assert dataset.split('train').load(0).labels.tolist() == [[0, 1, 255]]
    assert dataset.split('train').sequences == {'': 2}


def test_label_set_by_name_or_file(describe, tmp_path):
    assert open_dataset(describe(label_set='camvid')).labels == CAMVID
    (tmp_path / 'labels.yaml').write_text(yaml.safe_dump({'name': 'own', 'classes': CLASSES}))
    assert open_dataset(describe(label_set='labels.yaml')).labels.name == 'own'


def test_ids_are_mapped_and_ignored(describe):
    path = describe([[7, 8, 255, 3]], ids={'grass': [7, 3], 'path': [255]}, ignore_ids=[8])
    assert labels_of(path) == [[0, 255, 1, 0]]


def test_own_ignore_id(describe):
    path = describe([[0, 1, 2]], label_set={'classes': CLASSES, 'ignore_id': 2})
    assert labels_of(path) == [[0, 1, 255]]


def test_colours_of_the_label_set_or_mapped(describe):
    colors = [[(0, 200, 0), (9, 8, 7), (0, 0, 0)]]
    path = describe(colors, label_kind='colors', ignore_colors=[[0, 0, 0]])
    assert labels_of(path) == [[0, 1, 255]]
    mapped = {'grass': [[9, 8, 7], [0, 0, 0]], 'path': [[0, 200, 0]]}
    assert labels_of(describe(colors, label_kind='colors', colors=mapped)) == [[1, 0, 0]]


def test_sequences_come_from_a_pattern(describe):
    train = open_dataset(describe(sequence='^([^_]+)_')).split('train')
    assert train.sequences == {'a': 1, 'b': 1}
    train = open_dataset(describe(sequence='^.')).split('train')
    assert train.sequences == {'a': 1, 'b': 1}


def test_root_and_unique_names(describe, tmp_path):
    path = describe(root='..', unique_names=False)
    folder = tmp_path / 'descriptions'
    folder.mkdir()
    path = path.rename(folder / 'yard.yml')
    dataset = open_dataset(path)
    assert not dataset.unique_names
    assert len(dataset.split('train')) == 2


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'name': None}, 'the data set has no name'),
        ({'splits': None, 'label_set': None}, 'the data set has no label_set, splits'),
        ({'kind': 'ids'}, r'unknown kind \(known: .*label_kind'),
        ({'label_kind': 'colours'}, "label_kind is 'colours', expected 'ids' or 'colors'"),
        ({'label_kind': ['ids']}, r"label_kind is \['ids'\], expected 'ids' or 'colors'"),
        ({'label_kind': 'colors', 'ids': {}}, 'unknown ids'),
        ({'ignore_colors': []}, 'unknown ignore_colors'),
        ({'label_set': 'kitti'}, "no label set '.*kitti': expected camvid, cityscapes or a YAML"),
        ({'label_set': 3}, 'label_set is 3, expected text'),
        ({'label_set': {'classes': []}}, '0 classes'),
        ({'splits': {}}, r'splits is \{\}, expected e\.g\. train and val'),
        ({'splits': ['train']}, r"splits is \['train'\]"),
        ({'splits': {'train': 'images'}}, "split 'train' is 'images', expected fields images, l"),
        ({'splits': {'train': {'images': 'i'}}}, "split 'train' has no labels"),
        ({'splits': {'train': {'images': 'i', 'labels': 3}}}, "labels of split 'train' is 3"),
        ({'root': 'gone'}, 'there is no folder .*gone'),
        ({'ids': [1]}, r'ids is \[1\], expected a list of values for each class name'),
        ({'ids': {'gras': [1]}}, r'ids has unknown class gras \(known: grass, path\)'),
        ({'ids': {'grass': 1}}, 'ids of grass is 1, expected a list'),
        ({'ids': {'grass': ['1']}}, "ids of grass has '1', expected whole numbers"),
        ({'ids': {'grass': [1], 'path': [1]}}, 'ids gives 1 to grass and to path'),
        ({'ids': {'grass': [70000]}}, 'id 70000 is outside'),
        ({'ids': {'grass': [1]}, 'ignore_ids': [1]}, 'id 1 is a class and ignored too'),
        ({'ignore_ids': 4}, 'ignore_ids is 4, expected a list'),
        ({'label_kind': 'colors', 'ignore_colors': [[0, 0]]}, r'ignore_colors has \[0, 0\], exp'),
        ({'label_kind': 'colors', 'colors': {'path': ['#fff']}}, "colors of path has '#fff'"),
        ({'sequence': '('}, r"sequence '\(' is no regular expression"),
        ({'sequence': 'x'}, "sequence 'x' matches nothing in the name 'a_1'"),
        ({'unique_names': 'no'}, "unique_names is 'no', expected true or false"),
    ],
)
def test_wrong_fields_name_file_and_fault_in_one_line(describe, change, message):
    path = describe(**change)
    with pytest.raises(DatasetError, match=message) as error:
        open_dataset(path)
    assert str(error.value).startswith(f'{path}: ')
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('text', ['{', '- 1', 'just text', '', '\x00'])
def test_what_is_no_mapping_is_refused(tmp_path, text):
    path = tmp_path / 'bad.yaml'
    path.write_text(text)
    with pytest.raises(DatasetError, match=r'bad\.yaml'):
        open_dataset(path)


def test_unknown_id_says_how_to_map_it(describe):
    message = r'label 9 \(2 pixels\), expected 0\.\.1 or 255: map it to a class with `ids:`'
    with pytest.raises(DatasetError, match=message):
        open_dataset(describe([[0, 9, 9]])).split('train').load(0)


def test_examples_of_the_documentation_open(tmp_path, write_pair):
    examples = re.findall(r'```yaml\n(.*?)```', (ROOT / 'docs/datasets.md').read_text(), re.S)
    assert len(examples) >= 3
    for number, example in enumerate(examples):
        fields = yaml.safe_load(example)
        root = tmp_path / str(number)
        for patterns in fields['splits'].values():
            image, label = (
                root / pattern.replace('*', 'x_1')
                if '*' in pattern
                else root / pattern / 'x_1.png'
                for pattern in (patterns['images'], patterns['labels'])
            )
            channels = (3,) if fields['label_kind'] == 'colors' else ()
            write_pair(image, label, np.zeros((2, 2, *channels)))
        (root / 'example.yaml').write_text(example)
        dataset = open_dataset(root / 'example.yaml')
        assert len(dataset.splits) == len(fields['splits'])
