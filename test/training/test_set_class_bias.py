"""Balancing a trained network's classes from the command line."""

import functools
import shutil
from dataclasses import replace

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


def test_on_a_biased_checkpoint_the_recipe_has_the_sum(run, trained, street_yaml, tmp_path):
    once, twice = tmp_path / 'once.safetensors', tmp_path / 'twice.safetensors'
    for source, out in ((trained, once), (once, twice)):
        assert run(source, out, '--dataset', street_yaml, '--size', 64, 96)[0] == 0
    balanced = load_checkpoint(twice)
    assert balanced.recipe['class_bias']['size'] == [64, 96]
    found = balanced.state[CLASS_BIAS].tolist()
    assert balanced.recipe['class_bias']['bias'] == pytest.approx(found, abs=6e-4)


@pytest.fixture
def drives(street_yaml, tmp_path):
    """Make a data set of two drives, with no split to validate on."""
    for kind in ('images', 'labels'):
        (tmp_path / 'drives/train' / kind).mkdir(parents=True)
        for number, path in enumerate(sorted((street_yaml.parent / 'train' / kind).iterdir())):
            drive = ('0001TP', '0016E5')[number % 2]
            shutil.copy(path, tmp_path / f'drives/train/{kind}/{drive}_{number:06d}.png')
    return tmp_path / 'drives'


@pytest.mark.parametrize('asked', [(), ('--leave-out', '0001TP')], ids=['recipe', 'asked'])
def test_a_drive_that_was_left_out_of_the_training_is_evaluated_on(
    run, checkpoint, drives, tmp_path, asked
):
    path, out = tmp_path / 'trained.safetensors', tmp_path / 'balanced.safetensors'
    save_checkpoint(path, replace(checkpoint, recipe={} if asked else {'leave_out': ['0001TP']}))
    code, said, error = run(path, out, '--dataset', drives, *asked)
    assert (code, error) == (0, '')
    assert 'mIoU on train, 0001TP: ' in said
    assert 'SignSymbol: +0.00, too few pixels: left as it was' in said
    assert load_checkpoint(out).recipe['class_bias']['leave_out'] == ['0001TP']


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('gone.safetensors', 'x.safetensors'), 'cannot read checkpoint gone.safetensors'),
        (('TRAINED', 'x.onnx'), 'x.onnx is to be a checkpoint: name it *.safetensors'),
        (('OTHER', 'x.safetensors'), "has the classes of 'camvid11'"),
        (('TRAINED', 'x.safetensors', '--leave-out', 'nowhere'), 'has no sequence nowhere'),
        (('TRAINED', 'x.safetensors', '--val-split', 'train'), 'evaluated on: name two'),
        (('TRAINED', 'x.safetensors', '--size', '10', '10'), 'network size is 10x10'),
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
