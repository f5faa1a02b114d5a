"""Evaluating a model file and a checkpoint as a user does."""

import functools
import json

import cv2
import numpy as np
import pytest
import yaml

from stdc_core.engines import open_engine
from stdc_core.geometry import Size
from stdc_core.labels import CAMVID
from stdc_core.metrics import ConfusionMatrix
from stdc_core.networks.checkpoint import save_checkpoint


@pytest.fixture
def run(run_script):
    return functools.partial(run_script, 'evaluate')


@pytest.fixture(scope='module')
def data_set(tmp_path_factory):
    """Two frames of 11 classes, one of them not there."""
    root = tmp_path_factory.mktemp('frames')
    rng = np.random.default_rng(0)
    for kind in ('images', 'labels'):
        (root / kind).mkdir()
    for name in 'ab':
        image = rng.integers(0, 256, (96, 160, 3), dtype=np.uint8)
        labels = rng.integers(0, 10, (96, 160), dtype=np.uint8)
        labels[:5] = 255
        cv2.imwrite(str(root / f'images/{name}.png'), image)
        cv2.imwrite(str(root / f'labels/{name}.png'), labels)
    description = {
        'name': 'frames',
        'label_set': 'camvid',
        'label_kind': 'ids',
        'splits': {'val': {'images': 'images', 'labels': 'labels'}},
    }
    (root / 'frames.yaml').write_text(yaml.safe_dump(description))
    return root / 'frames.yaml'


def read_pair(data_set, name):
    image = cv2.imread(str(data_set.parent / f'images/{name}.png'))
    truth = cv2.imread(str(data_set.parent / f'labels/{name}.png'), cv2.IMREAD_UNCHANGED)
    return image, truth


def test_model_file_gives_table_json_and_picture(run, data_set, model_path, tmp_path):
    out = tmp_path / 'report'
    code, said, error = run(model_path, '--dataset', data_set, '--output', out)
    assert (code, error) == (0, '')
    for fact in ('IoU %', 'boundary F % (3 px)', 'SignSymbol', 'pixel accuracy', '2 images'):
        assert fact in said
    report = json.loads((out / 'evaluation.json').read_text())

    confusion = ConfusionMatrix(11)
    with open_engine(model_path) as engine:
        for name in 'ab':
            image, truth = read_pair(data_set, name)
            confusion.update(truth, engine.infer(image).labels)
    assert report['confusion']['pixels'] == confusion.counts.tolist()
    assert report['miou'] == pytest.approx(confusion.scores().miou)
    assert report['pixels'] == 2 * 91 * 160
    assert report['iou'].keys() == report['boundary'][0]['f_score'].keys()
    assert cv2.imread(str(out / 'confusion.png')).shape[0] > 400


def test_the_worst_images_are_drawn_with_what_is_wrong(run, data_set, model_path, tmp_path):
    out = tmp_path / 'report'
    code, said, _ = run(
        model_path, '--dataset', data_set, '--output', out, '--worst', 1, '--size', 96, 160
    )
    assert code == 0
    assert 'evaluation.json, confusion.png, worst.png' in said
    mious = json.loads((out / 'evaluation.json').read_text())['image_mious']
    with open_engine(model_path, size=Size(96, 160)) as engine:
        masks = {}
        for name in 'ab':
            image, truth = read_pair(data_set, name)
            masks[name] = engine.infer(image).labels
            alone = ConfusionMatrix(11)
            alone.update(truth, masks[name])
            assert mious[name] == pytest.approx(alone.scores().miou)
    worst = min(mious, key=mious.get)
    _, truth = read_pair(data_set, worst)
    picture = cv2.imread(str(out / 'worst.png'))
    height = picture.shape[0] - 2 * 24  # two lines of text
    expected = np.array(CAMVID.colors)[masks[worst]][..., ::-1].astype(np.uint8)
    assert (masks[worst] == truth).any()
    expected[masks[worst] == truth] = 70  # grey
    expected[truth == 255] = 0
    np.testing.assert_array_equal(picture[-height:, -400:], cv2.resize(expected, (400, height)))


def test_checkpoint_and_model_file_agree(run, data_set, model_path, checkpoint, tmp_path):
    save_checkpoint(tmp_path / 'net.safetensors', checkpoint)
    found = []
    for number, model in enumerate((model_path, tmp_path / 'net.safetensors')):
        out = tmp_path / str(number)
        assert run(model, '--dataset', data_set, '--output', out, '--size', 96, 160)[0] == 0
        found.append(json.loads((out / 'evaluation.json').read_text())['pixel_accuracy'])
    assert found[0] == pytest.approx(found[1], abs=1e-3)


@pytest.mark.parametrize(
    ('size', 'expected'), [((), '96x160'), (('--size', 64, 64), '64x64')], ids=['default', 'other']
)
def test_a_model_file_runs_at_its_default_size_or_another(
    run, data_set, model_path, size, expected
):
    code, said, _ = run(model_path, '--dataset', data_set, *size, '--backend', 'torch')
    assert code == 0
    assert f'network at {expected}' in said


def test_a_checkpoint_runs_at_the_images_own_size(run, data_set, checkpoint, tmp_path):
    save_checkpoint(tmp_path / 'net.safetensors', checkpoint)
    code, said, _ = run(tmp_path / 'net.safetensors', '--dataset', data_set)
    assert code == 0
    assert 'network at own size' in said


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('gone.onnx', '--dataset', 'DATA'), 'cannot read model file gone.onnx'),
        (('gone.safetensors', '--dataset', 'DATA'), 'cannot read checkpoint gone.safetensors'),
        (('MODEL', '--dataset', 'DATA', '--worst', 3), 'say where by --output DIR'),
        (('MODEL', '--dataset', 'DATA', '--worst', -1), 'worst is -1, expected at least 0'),
        (('MODEL', '--dataset', 'gone'), 'there is no data set gone'),
        (('CHECKPOINT', '--dataset', 'DATA', '--size', 10, 10), 'network size is 10x10'),
        (('MODEL', '--dataset', 'DATA', '--split', 'test'), "has no split 'test' (known: val)"),
        (('MODEL', '--dataset', 'OTHER'), "has the classes of 'camvid11'"),
        (('x.safetensors', '--dataset', 'DATA', '--precision', 'bf16'), 'export it for another'),
    ],
)
def test_errors_are_one_line(run, data_set, model_path, checkpoint, tmp_path, arguments, message):
    save_checkpoint(tmp_path / 'net.safetensors', checkpoint)
    other = yaml.safe_load(data_set.read_text())
    other['label_set'] = 'cityscapes'
    (data_set.parent / 'other.yaml').write_text(yaml.safe_dump(other))
    places = {
        'MODEL': model_path,
        'CHECKPOINT': tmp_path / 'net.safetensors',
        'DATA': data_set,
        'OTHER': data_set.parent / 'other.yaml',
    }
    code, _, error = run(*(places.get(argument, argument) for argument in arguments))
    assert code == 1
    assert message in error
    assert error.count('\n') == 1
