import pytest
import torch

from stdc_core.losses.precision import full_precision


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_values_are_float32_at_least_and_autocast_is_off(dtype):
    values = torch.ones(3, 3, dtype=dtype)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        with full_precision(values) as inside:
            assert inside.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
            assert (inside @ inside).dtype == inside.dtype
        assert torch.is_autocast_enabled('cpu')
