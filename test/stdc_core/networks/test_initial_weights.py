"""Which weights a training may start from, and STDC1's in an STDC2."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from stdc_core.networks import STDCSeg, STDCSegConfig, fold_for_inference
from stdc_core.networks.checkpoint import CheckpointError, save_checkpoint
from stdc_core.networks.deepen import deepen
from stdc_core.networks.initial_weights import load_initial_weights

COPIED = 'copied: stage3.1 to stage3.2..3, stage4.1 to stage4.2..4, stage5.1 to stage5.2..2'


@pytest.fixture(scope='module')
def checkpoint(make_checkpoint):
    return make_checkpoint(STDCSegConfig('stdc1', 11))


@pytest.fixture
def path(checkpoint, tmp_path):
    save_checkpoint(tmp_path / 'stdc1.safetensors', checkpoint)
    return tmp_path / 'stdc1.safetensors'


@torch.no_grad()
def test_the_deep_network_repeats_the_last_module_of_each_stage(checkpoint, path):
    deep = STDCSeg(STDCSegConfig('stdc2', 11))
    assert load_initial_weights(deep, path) == COPIED
    deep.eval()
    shallow = checkpoint.build()
    image = torch.randn(1, 3, 96, 128, generator=torch.Generator().manual_seed(0))
    x = shallow.backbone.stem(image)
    features = []
    for name, depth in (('stage3', 4), ('stage4', 5), ('stage5', 3)):
        first, second = shallow.backbone.get_submodule(name)
        x = first(x)
        for _ in range(depth - 1):
            x = second(x)
        features.append(x)
    for part, expected in zip(deep.backbone(image), features, strict=True):
        torch.testing.assert_close(part, expected)
    for name, tensor in deep.state_dict().items():
        if not name.startswith('backbone.'):
            assert torch.equal(tensor, checkpoint.state[name]), name


def test_weights_with_batch_norm_folded_are_copied_too(checkpoint):
    weights = fold_for_inference(checkpoint.build(), detail=True).state_dict()
    deepened, words = deepen(weights, STDCSeg(STDCSegConfig('stdc2', 11)))
    assert words == COPIED
    name = 'blocks.2.conv.bias'
    assert torch.equal(deepened[f'backbone.stage5.2.{name}'], weights[f'backbone.stage5.1.{name}'])


def test_a_network_as_deep_as_its_weights_gets_no_copies(path):
    assert load_initial_weights(STDCSeg(STDCSegConfig('stdc1', 11)), path) == ''


def test_names_that_are_none_of_a_stage_are_refused_not_copied(checkpoint, tmp_path):
    odd = {**checkpoint.state, 'backbone.stage3.x.weight': torch.zeros(1)}
    save_checkpoint(tmp_path / 'odd.safetensors', replace(checkpoint, state=odd))
    with pytest.raises(CheckpointError, match=r'this network has no backbone\.stage3\.x\.weight'):
        load_initial_weights(STDCSeg(STDCSegConfig('stdc1', 11)), tmp_path / 'odd.safetensors')


def test_a_shallow_network_does_not_take_deep_weights(make_checkpoint, tmp_path):
    path = tmp_path / 'stdc2.safetensors'
    save_checkpoint(path, make_checkpoint(STDCSegConfig('stdc2', 11)))
    with pytest.raises(CheckpointError, match=r'this network has no backbone\.stage3\.2'):
        load_initial_weights(STDCSeg(STDCSegConfig('stdc1', 11)), path)


def test_an_int8_model_file_is_refused_by_what_to_take():
    shipped = Path(__file__).parents[3] / 'models/stdc1_camvid_int8.onnx'
    with pytest.raises(CheckpointError, match='is int8: start from the float file'):
        load_initial_weights(STDCSeg(STDCSegConfig('stdc1', 11)), shipped)
