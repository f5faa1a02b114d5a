"""STDC-Seg against the counted parts of the authors' network and against itself."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from stdc_core.networks import STDCSeg, STDCSegConfig, fold_for_inference
from stdc_core.networks.model_graph import ModelGraph


def count(*modules: nn.Module) -> int:
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def without_training_heads(network: STDCSeg) -> STDCSeg:
    network.aux8_head = network.aux16_head = network.detail_head = None
    return network


@pytest.mark.parametrize(
    ('variant', 'classes', 'parameters'),
    [
        ('stdc1', 19, 8_275_104),
        ('stdc2', 19, 12_305_568),
        ('stdc1', 11, 8_273_056),
        ('stdc2', 11, 12_303_520),
    ],
)
def test_inference_parameters(variant, classes, parameters):
    network = without_training_heads(STDCSeg(STDCSegConfig(variant, classes)))
    assert count(network) == parameters


@pytest.mark.parametrize('width', [1, 128, 256])
def test_a_head_of_another_width_changes_nothing_but_the_head(width):
    network = STDCSeg(STDCSegConfig('stdc1', 19, head_channels=width))
    assert count(network.head) == width * (256 * 9 + 2 + 19)
    assert count(without_training_heads(network)) - count(network.head) == 8_275_104 - 595_200


def test_parameters_of_the_parts():
    network = STDCSeg(STDCSegConfig('stdc1', 19))
    path = network.context_path
    assert count(path.arm16) == 606_720
    assert count(path.arm32) == 1_196_544
    assert count(path.conv16) == count(path.conv32) == 147_712
    assert count(path.average) == 131_328
    assert count(network.ffm) == 131_584
    assert count(network.head) == 595_200
    assert count(network.detail_head) == 147_648
    assert count(network.aux8_head, network.aux16_head) == 150_144


@pytest.mark.parametrize(
    ('variant', 'size', 'giga_macs'),
    [
        ('stdc1', (512, 1024), 16.86),
        ('stdc1', (768, 1536), 37.94),
        ('stdc1', (1024, 2048), 67.45),
        ('stdc1', (720, 960), 22.31),
        ('stdc1', (360, 480), 5.64),
        ('stdc2', (512, 1024), 23.46),
        ('stdc2', (768, 1536), 52.78),
        ('stdc2', (1024, 2048), 93.83),
        ('stdc2', (720, 960), 31.03),
        ('stdc2', (360, 480), 7.86),
    ],
)
def test_convolution_macs(variant, size, giga_macs):
    network = without_training_heads(STDCSeg(STDCSegConfig(variant, 19))).eval().to('meta')
    with FlopCounterMode(display=False) as counter:
        network(torch.empty(1, 3, *size, device='meta'))
    assert round(counter.get_total_flops() / 2e9, 2) == giga_macs


@pytest.mark.parametrize('size', [(64, 64), (65, 97), (360, 480), (72, 100)])
@pytest.mark.parametrize('spatial_path', [False, True])
def test_logits_are_an_eighth_rounded_up(size, spatial_path):
    network = STDCSeg(STDCSegConfig('stdc1', 7, spatial_path=spatial_path)).eval()
    with torch.inference_mode():
        output = network(torch.zeros(1, 3, *size))
    eighth = tuple(-(-side // 8) for side in size)
    sixteenth = tuple(-(-side // 16) for side in size)
    assert output.logits.shape == output.aux8.shape == (1, 7, *eighth)
    assert output.aux16.shape == (1, 7, *sixteenth)
    assert output.detail.shape == (1, 1, *eighth)


def test_spatial_path_takes_the_place_of_stage_3():
    network = STDCSeg(STDCSegConfig('stdc2', 19, spatial_path=True)).eval()
    assert network.ffm.conv.conv.in_channels == 128 + 128
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        before = network(image).logits
        for parameter in network.spatial_path.parameters():
            parameter.zero_()
        assert not torch.equal(before, network(image).logits)


@pytest.mark.parametrize('block_num', [2, 3, 5, 6])
def test_other_numbers_of_blocks_run(block_num):
    network = STDCSeg(STDCSegConfig('stdc1', 3, block_num=block_num)).eval()
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 64, 64)).logits.shape == (1, 3, 8, 8)


@pytest.mark.parametrize('spatial_path', [False, True])
def test_every_parameter_gets_a_gradient(spatial_path):
    network = STDCSeg(STDCSegConfig('stdc1', 5, spatial_path=spatial_path)).train()
    output = network(torch.randn(2, 3, 64, 96))
    sum(logits.square().mean() for logits in output).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


@pytest.mark.parametrize('detail', [False, True])
def test_folding_changes_no_logit_and_leaves_the_original(checkpoint, detail):
    network = checkpoint.build()
    image = torch.randn(1, 3, 72, 100)
    folded = fold_for_inference(network, detail=detail)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in folded.modules())
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())
    with torch.inference_mode():
        before, after = network(image), folded(image)
    torch.testing.assert_close(after.logits, before.logits, atol=1e-5, rtol=1e-4)
    assert after.aux8 is None
    assert after.aux16 is None
    if detail:
        torch.testing.assert_close(after.detail, before.detail, atol=1e-5, rtol=1e-4)
    else:
        assert after.detail is None


def test_model_graph_normalises_as_the_recipe_says(checkpoint):
    """(RGB / 255 - mean) / std with ImageNet's mean and std, on a uint8 NHWC image."""
    folded = fold_for_inference(checkpoint.build(), detail=False)
    image = torch.randint(0, 256, (1, 64, 80, 3), dtype=torch.uint8)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    with torch.inference_mode():
        expected = folded((image.permute(0, 3, 1, 2) / 255 - mean) / std).logits
        logits, detail = ModelGraph(folded).eval()(image)
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-4)
    assert detail is None


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        ({'variant': 'stdc3'}, r"unknown variant 'stdc3' \(known: stdc1, stdc2\)"),
        ({'num_classes': 0}, 'num_classes is 0'),
        ({'num_classes': 256}, 'num_classes is 256'),
        ({'head_channels': 0}, 'head_channels is 0, expected at least 1'),
    ],
)
def test_impossible_networks_are_refused(config, message):
    with pytest.raises(ValueError, match=message):
        STDCSegConfig(**config)
