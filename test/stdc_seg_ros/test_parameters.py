"""Declaration, validation and run-time changes, on a node that nothing spins."""

import dataclasses

import pytest

from stdc_core.errors import UserError
from stdc_seg_ros.parameters import SPECS, NodeParameters, ParameterServer


def set_parameter(node, name, value):
    from rclpy.parameter import Parameter

    (result,) = node.set_parameters([Parameter(name, value=value)])
    return result


def test_every_parameter_is_specified():
    assert list(SPECS) == [field.name for field in dataclasses.fields(NodeParameters)]


def test_defaults(make_node):
    parameters = ParameterServer(make_node()).current
    assert parameters == NodeParameters(
        model='',
        backend='auto',
        precision='auto',
        threads=0,
        network_size=(0, 0),
        cameras=('',),
        image_transport='raw',
        reliability='auto',
        confidence_threshold=0.0,
        overlay_opacity=0.5,
        jpeg_quality=90,
        stalled_after_s=2.0,
        watchdog_s=10.0,
        processing_limit_ms=0.0,
        max_lost_share=0.1,
        min_output_rate_hz=0.0,
        autostart=True,
    )
    assert parameters.size is None


@pytest.mark.parametrize(
    ('given', 'int8'),
    [
        ({}, True),
        ({'backend': 'tensorrt'}, True),
        ({'precision': 'fp32'}, True),
        ({'backend': 'torch'}, False),
        ({'backend': 'torch-cuda'}, False),
        ({'precision': 'bf16'}, False),
    ],
)
def test_int8_is_for_engines_and_precisions_that_take_it(make_node, given, int8):
    assert ParameterServer(make_node(**given)).current.takes_int8 == int8


def test_values_from_outside(make_node):
    parameters = ParameterServer(make_node(network_size=[96, 160], threads=2)).current
    assert (parameters.size, parameters.threads) == ((96, 160), 2)


@pytest.mark.parametrize(
    ('name', 'value', 'message'),
    [
        ('threads', -1, "parameter 'threads': .*Min: 0, Max: 1024, value: -1"),
        ('threads', 'two', "parameter 'threads': .*'two' of type 'STRING', expecting .*INTEGER"),
        (
            'backend',
            'tensorflow',
            r"unknown backend 'tensorflow' \(known: auto, tensorrt, openvino",
        ),
        ('precision', 'int4', r"unknown precision 'int4' \(known: auto, fp32, bf16, fp16\)"),
        ('image_transport', 'theora', r"unknown image_transport 'theora' \(known: raw, comp"),
        ('reliability', 'maybe', r"unknown reliability 'maybe' \(known: auto, reliable, best"),
        ('network_size', [32, 64], 'network size is 32x64, expected height and width of 64'),
        ('network_size', [64], 'network size is 64, expected'),
        ('cameras', ['a', 'a'], r"cameras are \['a', 'a'\], expected at least one, each once"),
        ('cameras', ['front', ''], "camera '' is no name for a topic, expected letters"),
        ('cameras', ['a__b'], "camera 'a__b' is no name for a topic"),
        ('confidence_threshold', float('nan'), "parameter 'confidence_threshold': .*nan"),
        ('overlay_opacity', 1.01, "parameter 'overlay_opacity': .*Max: 1.0, value: 1.01"),
        ('max_lost_share', 1.5, "parameter 'max_lost_share': .*Max: 1.0, value: 1.5"),
        ('min_output_rate_hz', -1.0, "parameter 'min_output_rate_hz': .*Min: 0.0"),
        ('jpeg_quality', 0, "parameter 'jpeg_quality': .*Min: 1"),
    ],
)
def test_wrong_values_are_refused_at_start_and_later(make_node, name, value, message):
    with pytest.raises(UserError, match=message):
        ParameterServer(make_node(**{name: value}))

    node = make_node()
    server = ParameterServer(node)
    before = server.current
    assert not set_parameter(node, name, value).successful
    assert server.current == before


def test_changes_at_run_time_are_seen_at_once(make_node):
    node = make_node()
    server = ParameterServer(node)
    assert set_parameter(node, 'overlay_opacity', 0.25).successful
    assert set_parameter(node, 'network_size', [64, 128]).successful
    assert server.current.overlay_opacity == 0.25
    assert server.current.size == (64, 128)


def test_what_decides_at_start_cannot_be_changed(make_node):
    node = make_node()
    server = ParameterServer(node)
    result = set_parameter(node, 'autostart', False)
    assert not result.successful
    assert 'read-only' in result.reason
    assert server.current.autostart


def test_misspelt_names_are_told_with_the_known_ones(make_node, capfd):
    ParameterServer(make_node(confidence_treshold=0.5))
    said = capfd.readouterr().err
    assert "unknown parameter 'confidence_treshold' does nothing (known: model, backend" in said


def test_tools_are_told_limits_choices_and_when_a_value_takes_effect(make_node):
    node = make_node()
    ParameterServer(node)
    for name, spec in SPECS.items():
        descriptor = node.describe_parameter(name)
        assert descriptor.description
        assert spec.when in descriptor.additional_constraints
        assert all(choice in descriptor.additional_constraints for choice in spec.choices)
        assert descriptor.read_only == (spec.when == 'at start')
    (limits,) = node.describe_parameter('jpeg_quality').integer_range
    assert (limits.from_value, limits.to_value) == (1, 100)
    (limits,) = node.describe_parameter('overlay_opacity').floating_point_range
    assert (limits.from_value, limits.to_value) == (0, 1)
