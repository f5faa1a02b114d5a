"""Balancing a trained network's classes from the command line."""

import functools

import pytest

from stdc_core.labels import CAMVID
from stdc_core.networks import STDCSegConfig
from stdc_core.networks.checkpoint import load_checkpoint, save_checkpoint
from stdc_core.networks.initial_weights import CLASS_BIAS, load_initial_weights
from stdc_core.networks.stdc_seg import STDCSeg
from stdc_core.training.datasets import open_dataset


@pytest.fixture
def run(run_script):
    return functools.partial(run_script, 'set_class_bias')


@pytest.fixture
def trained(make_checkpoint, street_yaml, tmp_path):
    labels = open_dataset(street_yaml).split('val').labels
    path = tmp_path / 'trained.safetensors'
    save_checkpoint(path, make_checkpoint(STDCSegConfig('stdc1', len(labels)), labels))
    return path


def test_it_writes_a_checkpoint_that_says_what_was_done(run, trained, street_yaml, tmp_path):
    out = tmp_path / 'balanced.safetensors'
    code, said, error = run(trained, out, '--dataset', street_yaml)
    assert (code, error) == (0, '')
    assert 'mIoU on val: ' in said
    balanced = load_checkpoint(out)
    assert balanced.config.class_bias
    found = balanced.state[CLASS_BIAS].tolist()
    assert balanced.recipe['class_bias']['bias'] == pytest.approx(found, abs=6e-4)
    assert f'{balanced.metrics["val_miou"]:.2%} with the bias' in said
    for name, value in zip(balanced.labels.names, found, strict=True):
        assert f'{name}: {value:+.2f}' in said

    network = STDCSeg(STDCSegConfig('stdc1', len(balanced.labels)))
    assert load_initial_weights(network, out) == 'left out: the bias of the classes'


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('gone.safetensors', 'x.safetensors'), 'cannot read checkpoint gone.safetensors'),
        (('TRAINED', 'x.onnx'), 'x.onnx is to be a checkpoint: name it *.safetensors'),
        (('OTHER', 'x.safetensors'), "has the classes of 'camvid11'"),
        (('TRAINED', 'x.safetensors', '--leave-out', 'nowhere'), 'has no sequence nowhere'),
    ],
)
def test_errors_are_one_line(run, trained, checkpoint, street_yaml, tmp_path, arguments, message):
    assert checkpoint.labels == CAMVID
    save_checkpoint(tmp_path / 'other.safetensors', checkpoint)
    places = {'TRAINED': trained, 'OTHER': tmp_path / 'other.safetensors'}
    arguments = [places.get(argument, argument) for argument in arguments]
    code, _, error = run(*arguments, '--dataset', street_yaml)
    assert code == 1
    assert message in error
    assert error.count('\n') == 1
