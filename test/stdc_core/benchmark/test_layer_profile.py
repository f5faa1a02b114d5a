"""The per-layer profile against counts that come from elsewhere."""

import json
from pathlib import Path

import onnx
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from stdc_core.benchmark.int8_peak import PEAK_MACS, peak_graph
from stdc_core.benchmark.layer_profile import profile_layers
from stdc_core.geometry import Size
from stdc_core.model_file import read_model_file
from stdc_core.networks import fold_for_inference

SIZE = Size(72, 104)
INT8 = Path(__file__).parents[3] / 'models/stdc1_camvid_int8.onnx'


@pytest.fixture(scope='module')
def profile(model):
    return profile_layers(model, size=SIZE, threads=1, rounds=2)


@pytest.fixture(scope='module')
def int8_profile():
    return profile_layers(read_model_file(INT8), size=SIZE, threads=1, rounds=2)


def test_multiply_accumulates_are_those_of_torch(profile, int8_profile, checkpoint):
    network = fold_for_inference(checkpoint.build(), detail=False).to('meta')
    with FlopCounterMode(display=False) as counter:
        network(torch.empty(1, 3, *SIZE, device='meta'))
    expected = counter.get_total_flops() // 2
    for found in (profile, int8_profile):
        assert sum(layer.macs for layer in found.layers) == expected
        assert all(bool(layer.macs) == layer.convolution for layer in found.layers)


def test_layers_have_the_networks_names(profile, int8_profile, checkpoint):
    network = fold_for_inference(checkpoint.build(), detail=False)
    convolutions = {
        name for name, module in network.named_modules() if isinstance(module, torch.nn.Conv2d)
    }
    for found in (profile, int8_profile):
        assert {layer.name for layer in found.layers if layer.convolution} == convolutions
        concats = {layer.name for layer in found.layers if layer.kind == 'Concat'}
        assert concats == {'ffm', *(f'backbone.stage{n}.{m}' for n in (3, 4, 5) for m in (0, 1))}


def test_what_runs_in_which_precision(profile, int8_profile):
    assert {layer.precision for layer in profile.layers if layer.convolution} == {'f32'}
    in_float = {
        layer.name
        for layer in int8_profile.layers
        if layer.convolution and layer.precision != 'i8'
    }
    assert in_float == {'head.classify', 'ffm.gate.0', 'ffm.gate.2'}


def test_floor_and_sums(profile):
    head = next(layer for layer in profile.layers if layer.name == 'head.conv.conv')
    assert head.macs == 256 * 256 * 9 * 9 * 13
    assert profile.floor_ms(head) == pytest.approx(head.macs / PEAK_MACS * profile.peak.median_ms)
    kinds = profile.by_kind()
    assert next(iter(kinds)) == 'Convolution'
    assert sum(map(len, kinds.values())) == len(profile.layers)
    content = json.loads(json.dumps(profile.to_dict()))
    assert sum(layer['share'] for layer in content['layers']) == pytest.approx(1, abs=0.01)
    assert all(len(layer.timing.samples_ms) == 2 for layer in profile.layers)


def test_the_peak_is_three_int8_convolutions():
    nodes = onnx.load_model_from_string(peak_graph()).graph.node
    assert [node.op_type for node in nodes].count('Conv') == 3
    assert PEAK_MACS == 256 * 256 * 9 * 32 * 64
