"""Parameters of any value ROS can carry: taken, or refused with a reason; nothing between."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import fuzz, no_hang

from stdc_core.errors import UserError
from stdc_seg_ros.parameters import SPECS, ParameterServer, check_parameter

whole = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 1, 64, 16384, 16385])
names = ['front', 'front_left', '', 'auto', 'fp32', 'a__b', '../x', 'raw']
printable = st.characters(codec='utf-8', exclude_characters='\0')
words = st.text(printable, max_size=12) | st.sampled_from(names)
values = (
    st.booleans()
    | whole
    | st.floats()
    | words
    | st.lists(whole, max_size=4)
    | st.lists(words, max_size=4)
    | st.lists(st.floats(), max_size=3)
    | st.lists(st.booleans(), max_size=3)
    | st.lists(st.integers(0, 255).map(lambda value: bytes([value])), max_size=3)
)


@pytest.fixture
def context():
    import rclpy
    from rclpy.context import Context

    context = Context()
    rclpy.init(context=context)
    yield context
    context.try_shutdown()


@fuzz
@given(data=st.data())
def test_values_set_at_run_time(context, data):
    from rclpy.node import Node
    from rclpy.parameter import Parameter

    if not hasattr(context, 'server'):
        context.node = Node('fuzzed', context=context)
        context.server = ParameterServer(context.node)
    name = data.draw(st.sampled_from(list(SPECS)))
    value = data.draw(values)
    before = context.server.current
    with no_hang():
        [result] = context.node.set_parameters([Parameter(name, value=value)])
    after = context.server.current
    if not result.successful:
        assert result.reason
        assert after == before
    for field in dataclasses.fields(after):
        found = getattr(after, field.name)
        check_parameter(field.name, list(found) if isinstance(found, tuple) else found)
    if after.size is not None:
        assert all(64 <= side <= 16384 for side in after.size)


@fuzz
@given(name=st.sampled_from(list(SPECS)), value=values)
def test_values_given_at_start(context, name, value):
    from rclpy.node import Node
    from rclpy.parameter import Parameter

    node = Node('fuzzed', context=context, parameter_overrides=[Parameter(name, value=value)])
    try:
        with no_hang():
            ParameterServer(node)
    except UserError as error:
        assert name in str(error)
    finally:
        node.destroy_node()
