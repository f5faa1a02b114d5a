import numpy as np
import pytest

from stdc_core.labels import CITYSCAPES
from stdc_core.training.datasets import DatasetError, open_dataset


@pytest.fixture
def root(tmp_path, write_pair, write_png):
    for split, city in (('train', 'aachen'), ('train', 'bochum'), ('val', 'lindau')):
        frame = f'{city}_000000_000019'
        gt = tmp_path / f'gtFine/{split}/{city}'
        image = tmp_path / f'leftImg8bit/{split}/{city}/{frame}_leftImg8bit.png'
        write_pair(image, gt / f'{frame}_gtFine_labelIds.png', np.arange(34).reshape(2, 17))
        write_png(gt / f'{frame}_gtFine_color.png', np.zeros((2, 17, 3)), color_type=2)
        (gt / f'{frame}_gtFine_polygons.json').touch()
    return tmp_path


def test_label_ids_become_train_ids(root):
    dataset = open_dataset(root)
    assert dataset.labels == CITYSCAPES
    sample = dataset.split('train').load(0)
    assert sample.name == 'aachen/aachen_000000_000019'
    by_id = {7: 'road', 11: 'building', 24: 'person', 33: 'bicycle'}
    for label_id, name in by_id.items():
        assert sample.labels.ravel()[label_id] == CITYSCAPES.names.index(name)
    assert np.count_nonzero(sample.labels != 255) == 19


def test_cities_are_sequences(root):
    train = open_dataset(root).split('train')
    assert train.sequences == {'aachen': 1, 'bochum': 1}
    assert len(train.without_sequences(['aachen'])) == 1


def test_train_ids_are_taken_where_asked_for(root, write_png):
    for path in root.glob('gtFine/*/*/*_labelIds.png'):
        train_ids = path.with_name(path.name.replace('labelIds', 'labelTrainIds'))
        write_png(train_ids, [[*range(16), 255], [16, 17, 18, *[255] * 14]])
    labels = open_dataset(root, 'cityscapes-train-ids').split('val').load(0).labels
    assert sorted(set(labels.ravel().tolist())) == [*range(19), 255]


def test_missing_train_ids_are_refused(root):
    with pytest.raises(DatasetError, match=r'nothing in .* matches .*labelTrainIds'):
        open_dataset(root, 'cityscapes-train-ids')


@pytest.mark.parametrize(
    ('layout', 'kind', 'value', 'fix'),
    [
        ('cityscapes', 'labelIds', 34, r'expected 0\.\.33 or 255: copy it from gtFine again'),
        ('cityscapes-train-ids', 'labelTrainIds', 19, "labelIds are layout 'cityscapes'"),
    ],
)
def test_id_out_of_range_says_which_layout_fits(root, write_png, layout, kind, value, fix):
    for path in root.glob('gtFine/*/*/*_labelIds.png'):
        write_png(path.with_name(path.name.replace('labelIds', kind)), [[value] * 17] * 2)
    with pytest.raises(DatasetError, match=rf'aachen_.*label {value} \(34 pixels\), .*{fix}'):
        open_dataset(root, layout).split('train').load(0)


def test_folder_without_images_says_what_to_unpack(tmp_path):
    with pytest.raises(DatasetError, match=r'no leftImg8bit/train .* leftImg8bit_trainvaltest'):
        open_dataset(tmp_path, 'cityscapes')
