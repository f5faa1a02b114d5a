"""The backbones against tables 1 and 2, equation 3 and the counts of the authors' code."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from stdc_core.networks import STDCClassifier, STDCModule, stdc1, stdc2

UNUSED_BATCH_NORM = 2_048  # the authors' classifier holds a BatchNorm1d that forward() skips


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(('factory', 'parameters'), [(stdc1, 5_318_304), (stdc2, 9_348_768)])
def test_backbone_parameters(factory, parameters):
    assert count(factory()) == parameters


@pytest.mark.parametrize(
    ('factory', 'upstream', 'millions'), [(stdc1, 8_443_552, 8.44), (stdc2, 12_474_016, 12.47)]
)
def test_classifier_parameters_are_table_2s(factory, upstream, millions):
    parameters = count(STDCClassifier(factory()))
    assert parameters + UNUSED_BATCH_NORM == upstream
    assert round(parameters / 1e6, 2) == millions


@pytest.mark.parametrize(
    ('factory', 'macs', 'with_the_rest'),
    [(stdc1, 806_067_712, 813_695_488), (stdc2, 1_437_081_088, 1_446_966_784)],
)
def test_classifier_operations_are_table_2s(factory, macs, with_the_rest):
    """The paper's 813 M and 1446 M count batch norm twice a value, ReLU once, every pooled one."""
    network = STDCClassifier(factory()).eval().to('meta')
    rest = 0

    def add(layer, inputs, output):
        nonlocal rest
        if isinstance(layer, nn.BatchNorm2d):
            rest += 2 * output.numel()
        elif isinstance(layer, nn.ReLU):
            rest += output.numel()
        elif isinstance(layer, nn.AvgPool2d):
            rest += 9 * output.numel()

    for layer in network.modules():
        layer.register_forward_hook(add)
    with FlopCounterMode(display=False) as counter:
        network(torch.empty(1, 3, 224, 224, device='meta'))
    global_pool = 7 * 7 * 1024
    assert counter.get_total_flops() / 2 == macs
    assert macs + rest + global_pool == with_the_rest


@pytest.mark.parametrize(('factory', 'depths'), [(stdc1, (2, 2, 2)), (stdc2, (4, 5, 3))])
def test_stages_are_table_2s(factory, depths):
    network = factory().eval()
    x = torch.zeros(1, 3, 224, 224)
    for layer, size, channels in zip(network.stem, (112, 56), (32, 64), strict=True):
        x = layer(x)
        assert x.shape == (1, channels, size, size)
    stages = (network.stage3, network.stage4, network.stage5)
    for stage, size, channels, depth in zip(
        stages, (28, 14, 7), (256, 512, 1024), depths, strict=True
    ):
        assert len(stage) == depth
        for module in stage:
            x = module(x)
            assert x.shape == (1, channels, size, size)


@pytest.mark.parametrize('block_num', [2, 3, 4, 5, 6])
@pytest.mark.parametrize(('m', 'n'), [(64, 256), (256, 256), (512, 1024)])
def test_equation_3_counts_a_modules_weights(block_num, m, n):
    convolutions = [
        layer for layer in STDCModule(m, n, 1, block_num).modules() if isinstance(layer, nn.Conv2d)
    ]
    closed_form = n * m / 2 + 3 * n**2 / 2 * (1 + 1 / 2 ** (2 * block_num - 3))
    assert sum(count(layer) for layer in convolutions) == closed_form


@pytest.mark.parametrize('block_num', [2, 3, 4, 5, 6])
@pytest.mark.parametrize('stride', [1, 2])
def test_modules_of_any_number_of_blocks_keep_the_shape(block_num, stride):
    module = STDCModule(64, 256, stride, block_num).eval()
    assert module(torch.zeros(2, 64, 17, 20)).shape == (2, 256, -(-17 // stride), 20 // stride)


def receptive_fields(module: STDCModule, widths: list[int]) -> list[int]:
    """Width of the input that reaches the middle pixel of each block's output."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.constant_(layer.weight, 1)
    image = torch.ones(1, 8, 65, 65, requires_grad=True)
    output = module.eval()(image)
    middle = output.shape[-1] // 2
    fields = []
    for block in output.split(widths, dim=1):
        gradient = torch.autograd.grad(block[0, :, middle, middle].sum(), image, retain_graph=True)
        fields.append(int((gradient[0][0, 0].sum(dim=0) != 0).sum()))
    return fields


def test_receptive_fields_are_table_1s():
    assert receptive_fields(STDCModule(8, 64), [32, 16, 8, 8]) == [1, 3, 5, 7]


def test_receptive_fields_at_stride_2_are_table_1s_widened_by_the_depthwise_convolution():
    """Table 1 says 3, 3, 7, 11 of figure 3c; the code that was counted and trained adds 4."""
    fields = receptive_fields(STDCModule(8, 64, stride=2), [32, 16, 8, 8])
    assert fields == [3, 3 + 4, 7 + 4, 11 + 4]


def test_every_parameter_gets_a_gradient():
    network = STDCClassifier(stdc1(), num_classes=10).train()
    network(torch.randn(2, 3, 64, 64)).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((64, 256, 3), 'stride is 3'),
        ((64, 256, 1, 1), 'block_num is 1'),
        ((64, 100, 1, 4), 'out_channels is 100: 4 blocks need a multiple of 8'),
    ],
)
def test_impossible_modules_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        STDCModule(*arguments)
