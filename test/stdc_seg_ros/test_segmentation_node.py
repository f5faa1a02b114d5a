"""Transitions that fail as nobody expected, in this process; others run in test_lifecycle."""

import os
import threading

import pytest

from stdc_core.errors import UserError
from stdc_seg_ros import segmentation_node
from stdc_seg_ros.camera import Camera
from stdc_seg_ros.inference_thread import InferenceThread
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


def test_told_to_end_while_the_engine_opens_it_does_not_wait_for_it(model_path, monkeypatch):
    import rclpy
    from rclpy.context import Context
    from rclpy.parameter import Parameter

    opening, opened = threading.Event(), threading.Event()

    def open_slowly(*_, **__):
        opening.set()
        opened.wait(60)
        raise UserError('too late')

    monkeypatch.setattr(segmentation_node, 'open_engine', open_slowly)
    stops = []
    stop = InferenceThread.stop

    def note(thread, timeout_s):
        stops.append(timeout_s)
        return stop(thread, min(timeout_s, 0.1))

    monkeypatch.setattr(InferenceThread, 'stop', note)
    context = Context()
    rclpy.init(context=context)
    overrides = [Parameter('model', value=str(model_path))]
    node = SegmentationNode(context=context, parameter_overrides=overrides)

    def end():
        opening.wait(60)
        context.try_shutdown()

    threading.Thread(target=end).start()
    try:
        assert node.trigger_configure() != SUCCESS
        assert stops == [segmentation_node.END_S]
    finally:
        opened.set()
        node.close()
        node.destroy_node()
