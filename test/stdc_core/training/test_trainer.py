"""The precision that a device is trained in."""

import torch

from stdc_core.training.trainer import supported_amp


def test_auto_is_bf16_only_where_the_processor_computes_in_it(monkeypatch):
    for capabilities, amp in (
        ({'avx2': True, 'avx512_bf16': False}, 'off'),
        ({'avx2': True, 'avx512_bf16': True}, 'bf16'),
        ({'amx_bf16': True}, 'bf16'),
    ):
        monkeypatch.setattr(torch.cpu, 'get_capabilities', lambda found=capabilities: found)
        assert supported_amp(torch.device('cpu')) == amp
