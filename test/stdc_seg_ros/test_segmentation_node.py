"""Transitions that fail as nobody expected, in this process; others run in test_lifecycle."""

import os

import pytest

from stdc_seg_ros.camera import Camera
from stdc_seg_ros.segmentation_node import FAILURE, SUCCESS, SegmentationNode


@pytest.fixture
def node(ros_context, model_path):
    from rclpy.parameter import Parameter

    values = {'model': str(model_path), 'backend': 'onnxruntime', 'threads': 1}
    overrides = [Parameter(name, value=value) for name, value in values.items()]
    node = SegmentationNode(
        context=ros_context, namespace=f'/unit_p{os.getpid()}', parameter_overrides=overrides
    )
    yield node
    node.close()
    node.destroy_node()


def state(node):
    return node._state_machine.current_state[1]


def statuses(node):
    return {status.name.partition(': ')[2]: status for status in node._statuses()}


def test_an_error_nobody_expected_frees_everything_and_says_so(node, monkeypatch, capfd):
    def fail(camera):
        raise RuntimeError('no such luck')

    with monkeypatch.context() as patch:
        patch.setattr(Camera, 'activate', fail)
        assert node.trigger_configure() == SUCCESS
        thread = node._thread
        assert node.trigger_activate() not in (SUCCESS, FAILURE)
    assert state(node) == 'unconfigured'
    assert thread.stop(10)
    assert 'RuntimeError: no such luck' in capfd.readouterr().err
    assert 'no such luck' in statuses(node)['engine'].message
    assert statuses(node)['engine'].level == b'\x02'

    node.start()
    assert state(node) == 'active'
    assert statuses(node)['engine'].level == b'\x00'
    assert node.trigger_deactivate() == SUCCESS
    assert node.trigger_cleanup() == SUCCESS


def test_no_model_is_a_failure_and_not_an_error(node):
    from rclpy.parameter import Parameter

    node.set_parameters([Parameter('model', value='/nowhere/gone.onnx')])
    assert node.trigger_configure() == FAILURE
    assert state(node) == 'unconfigured'
    assert node._thread is node._model is None
    assert not node._cameras
    assert 'cannot read model file /nowhere/gone.onnx' in statuses(node)['engine'].message


def test_shutdown_from_active_frees_everything(node):
    node.start()
    assert node.trigger_shutdown() == SUCCESS
    assert state(node) == 'finalized'
    assert node._thread is None
    assert not node._cameras
    assert statuses(node)['image'].message == 'finalized'
