"""What the engine inspector tells of precision; its JSON as NVIDIA's documents show it."""

import json
from dataclasses import replace

import pytest

from stdc_core.engines import EngineError
from stdc_core.tensorrt.inspector import check_types, count_types
from stdc_core.tensorrt.plan import Plan


def layers(*tensors, io='Bindings'):
    """Write what TensorRT says of an engine of layers with these outputs."""
    common = {'Name': 'x', 'Dimensions': [1, 8, 4, 4], 'Location': 'Device'}
    written = [{'Name': 'a', 'Inputs': [], 'Outputs': [common | tensor]} for tensor in tensors]
    return json.dumps({'Layers': written, io: []})


def test_both_ways_of_naming_types_are_counted():
    names = (
        'Half',
        'Channel major FP16 format where channel % 4 == 0',
        'Float',
        'Row major linear FP32',
        'Int8',
        'Thirty-two wide channel vectorized row major Int8 format.',
        'UInt8',
        'N/A due to dynamic shapes',
    )
    text = layers(*({'Format/Datatype': name} for name in names))
    assert count_types(text) == {'half': 2, 'float': 2, 'int8': 2, 'other': 2}


def test_type_and_format_apart_as_tensorrt_11_writes_them():
    text = layers(
        {'DataType': 'Half', 'Format': 'Row major linear FP16 format (kLINEAR)'},
        {'DataType': 'Float', 'Format': 'Row major linear FP32 format (kLINEAR)'},
        {'DataType': 'Int8', 'Format': 'N/A'},
        {'DataType': 'UInt8', 'Format': 'Row major linear format (kLINEAR)'},
        {'Format': 'Row major linear FP32 format (kLINEAR)'},
        io='I/O Tensors',
    )
    assert count_types(text) == {'half': 1, 'float': 2, 'int8': 1, 'other': 1}


def test_type_as_tensorrt_rtx_writes_it():
    dynamic = 'Format not available due to dynamic shapes'
    text = layers({'Datatype': 'Half', 'Format': dynamic}, {'Datatype': 'Float'}, io='I/O Tensors')
    assert count_types(text) == {'half': 1, 'float': 1}


@pytest.mark.parametrize(
    'text',
    [
        '',
        'no JSON',
        '[]',
        '{"Layers": ["a", "b"]}',
        '{"Layers": []}',
        layers({}, {'Precision': 'Half'}),
        layers({'DataType': 'E8M0'}),
    ],
)
def test_without_types_that_are_known_nothing_is_counted(text):
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
