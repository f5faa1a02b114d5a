"""Upsampling by matrix products against torch's own."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from stdc_core.losses.upsampling import upsample

sides = st.tuples(st.integers(1, 9), st.integers(1, 40))  # of the source, of the target


@settings(deadline=None, max_examples=60)
@given(height=sides, width=sides, align_corners=st.booleans(), seed=st.integers(0, 2**31))
@example((1, 8), (9, 9), True, 0)
@example((9, 1), (1, 1), False, 0)
def test_values_and_gradients_are_those_of_interpolate(height, width, align_corners, seed):
    generator = torch.Generator().manual_seed(seed)
    source, size = (2, 3, height[0], width[0]), (height[1], width[1])
    logits = torch.randn(source, generator=generator, dtype=torch.double)
    weights = torch.randn((2, 3, *size), generator=generator, dtype=torch.double)
    results = []
    for function in (
        upsample,
        lambda x, size, align_corners: functional.interpolate(
            x, size, mode='bilinear', align_corners=align_corners
        ),
    ):
        x = logits.clone().requires_grad_()
        y = function(x, size, align_corners)
        (y * weights).sum().backward()
        results.append((y, x.grad))
    torch.testing.assert_close(*results, check_stride=False)


@pytest.mark.parametrize('memory_format', [torch.contiguous_format, torch.channels_last])
def test_float32_stays_float32_and_within_its_rounding(memory_format):
    logits = torch.randn(2, 11, 36, 48, generator=torch.Generator().manual_seed(0))
    logits = logits.to(memory_format=memory_format)
    y = upsample(logits, (288, 384), True)
    expected = functional.interpolate(logits, (288, 384), mode='bilinear', align_corners=True)
    torch.testing.assert_close(y, expected, rtol=0, atol=3e-6, check_stride=False)
