"""What the engine inspector tells of precision; its JSON as NVIDIA's documents show it."""

import json
from dataclasses import replace

import pytest

from stdc_core.engines import EngineError
from stdc_core.tensorrt.inspector import check_types, count_types
from stdc_core.tensorrt.plan import Plan


def layers(*types):
    tensors = [
        {'Name': 'x', 'Dimensions': [1, 8, 4, 4], 'Format/Datatype': name} for name in types
    ]
    return json.dumps({'Layers': [{'Name': 'a', 'Inputs': [], 'Outputs': [t]} for t in tensors]})


def test_both_ways_of_naming_types_are_counted():
    text = layers(
        'Half',
        'Channel major FP16 format where channel % 4 == 0',
        'Float',
        'Row major linear FP32',
        'Int8',
        'Thirty-two wide channel vectorized row major Int8 format.',
        'UInt8',
        'N/A due to dynamic shapes',
    )
    assert count_types(text) == {'half': 2, 'float': 2, 'int8': 2, 'other': 2}


@pytest.mark.parametrize('text', ['', 'no JSON', '[]', '{"Layers": ["a", "b"]}', '{"Layers": []}'])
def test_without_types_nothing_is_counted(text):
    assert count_types(text) == {}


@pytest.mark.parametrize(
    ('precision', 'int8', 'counts', 'fault'),
    [
        ('fp16', False, {'half': 40, 'float': 3}, None),
        ('fp32', False, {'float': 43}, None),
        ('fp16', True, {'int8': 39, 'half': 2, 'float': 2}, None),
        ('fp16', False, {'float': 43}, '43 float, expected half'),
        ('fp32', False, {'float': 3, 'half': 40}, '3 float, 40 half, expected float'),
        ('fp16', True, {'half': 43}, '43 half, expected half and int8'),
    ],
)
def test_lost_precision_is_an_error(fingerprint, precision, int8, counts, fault):
    plan = Plan(replace(fingerprint, precision=precision), b'')
    if fault is None:
        check_types(plan, counts, int8=int8)
    else:
        with pytest.raises(EngineError, match=fault):
            check_types(plan, counts, int8=int8)
