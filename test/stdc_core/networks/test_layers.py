"""The depthwise convolution: fp32 under autocast on a CPU, else what it is told to be."""

import torch
from torch.nn import functional

from stdc_core.networks.layers import HalvingDepthwiseConv


def test_autocast_leaves_it_and_its_gradients_in_fp32_on_a_cpu():
    torch.manual_seed(0)
    layer = HalvingDepthwiseConv(8)
    image = torch.randn(2, 8, 11, 14, dtype=torch.bfloat16, requires_grad=True)
    with torch.autocast('cpu', torch.bfloat16):
        output = layer(image)
        assert torch.get_autocast_dtype('cpu') is torch.bfloat16
        assert torch.is_autocast_enabled('cpu')
    output.square().sum().backward()

    plain = image.detach().float().requires_grad_()
    weight = layer.weight.detach().clone().requires_grad_()
    expected = functional.conv2d(plain, weight, stride=2, padding=1, groups=8)
    expected.square().sum().backward()
    assert output.dtype == torch.float32
    assert output.shape == (2, 8, 6, 7)
    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(layer.weight.grad, weight.grad)
    torch.testing.assert_close(image.grad, plain.grad.bfloat16())


def test_a_network_in_half_precision_stays_in_it():
    layer = HalvingDepthwiseConv(4).half()
    assert layer(torch.randn(1, 4, 8, 8).half()).dtype == torch.float16
