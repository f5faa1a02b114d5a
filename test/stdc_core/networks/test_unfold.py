"""A network folded into a model file and taken out of it again computes what it did before."""

import pytest
import torch

from stdc_core.networks import STDCSeg, STDCSegConfig, fold_for_inference
from stdc_core.networks.checkpoint import CheckpointError
from stdc_core.networks.unfold import load_folded_weights, measure_batch_norm


@pytest.fixture(scope='module')
def trained():
    """Make a network whose batch norm is nowhere at its start."""
    torch.manual_seed(3)
    network = STDCSeg(STDCSegConfig('stdc1', 5))
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for tensor in (module.weight, module.running_var):
                torch.nn.init.uniform_(tensor, 0.5, 1.5)
            for tensor in (module.bias, module.running_mean):
                torch.nn.init.normal_(tensor, std=0.2)
    return network.eval()


def folded(network, detail=True):
    return fold_for_inference(network, detail=detail).state_dict()


def images(seed=0):
    return torch.randn(2, 3, 96, 128, generator=torch.Generator().manual_seed(seed))


def test_logits_are_those_of_the_folded_network(trained):
    network = STDCSeg(STDCSegConfig('stdc1', 5)).eval()
    left = load_folded_weights(network, folded(trained))
    assert {name.split('.')[0] for name in left} == {'aux8_head', 'aux16_head'}
    with torch.no_grad():
        for part, expected in zip(network(images())[::3], trained(images())[::3], strict=True):
            torch.testing.assert_close(part, expected, rtol=1e-4, atol=1e-4)


def test_a_bias_of_zeros_may_be_missing(trained):
    weights = {name: t for name, t in folded(trained).items() if name != 'ffm.conv.conv.bias'}
    network = STDCSeg(STDCSegConfig('stdc1', 5))
    load_folded_weights(network, weights)
    bn = network.ffm.get_submodule('conv').bn
    assert torch.equal(bn.bias, torch.zeros_like(bn.bias))


def test_heads_of_other_classes_and_a_file_without_detail_are_left(trained):
    network = STDCSeg(STDCSegConfig('stdc1', 7))
    before = network.head.classify.weight.clone()
    left = load_folded_weights(network, folded(trained, detail=False))
    assert {name.split('.')[0] for name in left} == {
        'head',
        'aux8_head',
        'aux16_head',
        'detail_head',
    }
    assert torch.equal(network.head.classify.weight, before)


def test_another_backbone_is_refused(trained):
    with pytest.raises(CheckpointError, match='no weights for backbone'):
        load_folded_weights(STDCSeg(STDCSegConfig('stdc2', 5)), folded(trained))


def test_measured_statistics_change_nothing_in_use_and_little_in_training(trained):
    network = STDCSeg(STDCSegConfig('stdc1', 5)).eval()
    load_folded_weights(network, folded(trained))
    with torch.no_grad():
        expected = network(images()).logits
        unmeasured = network.train()(images()).logits
        network = STDCSeg(STDCSegConfig('stdc1', 5)).eval()
        load_folded_weights(network, folded(trained))
        measure_batch_norm(network, [images()])
        assert not network.training
        torch.testing.assert_close(network(images()).logits, expected, rtol=1e-3, atol=1e-3)
        logits = network.train()(images()).logits
    spread = expected.std()
    assert (logits - expected).abs().max() < 0.01 * spread
    assert (unmeasured - expected).abs().max() > spread


def test_measured_statistics_are_those_of_all_batches(trained):
    network = STDCSeg(STDCSegConfig('stdc1', 5)).eval()
    load_folded_weights(network, folded(trained))
    batches = [images(seed) for seed in range(3)]
    measure_batch_norm(network, batches)
    stem = network.backbone.get_submodule('stem.0')
    seen = stem.conv(torch.cat(batches))
    torch.testing.assert_close(stem.bn.running_mean, seen.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    variance = seen.var((0, 2, 3), correction=0)
    torch.testing.assert_close(stem.bn.running_var, variance, rtol=1e-4, atol=1e-5)
