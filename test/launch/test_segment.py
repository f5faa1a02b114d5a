"""The launch file: as far as it goes without `launch`, which PyPI does not have, and with it."""

import ast
import importlib.util
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / 'launch/segment.launch.py'
TREE = ast.parse(FILE.read_text())


def calls(name):
    return [
        node
        for node in ast.walk(TREE)
        if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == name
    ]


def keywords(call):
    return {
        word.arg: word.value.value
        for word in call.keywords
        if isinstance(word.value, ast.Constant)
    }


def test_it_compiles():
    compile(FILE.read_text(), str(FILE), 'exec')


def test_every_argument_is_used_and_described():
    declared = {call.args[0].value: call for call in calls('DeclareLaunchArgument')}
    used = {call.args[0].value for call in calls('LaunchConfiguration')}
    assert used == set(declared)
    for call in declared.values():
        assert keywords(call)['description']


def test_it_starts_an_executable_that_is_installed():
    (node,) = calls('Node')
    setup = (ROOT / 'setup.py').read_text()
    assert keywords(node)['package'] == 'stdc_seg_ros'
    assert f"'{keywords(node)['executable']} = stdc_seg_ros." in setup
    assert "glob('launch/*.launch.py')" in setup


@pytest.mark.skipif(
    importlib.util.find_spec('launch_ros') is None,
    reason='launch and launch_ros are not on PyPI: the launch file was not executed',
)
def test_the_real_launch_makes_the_node_of_it(monkeypatch):
    from launch import LaunchContext

    spec = importlib.util.spec_from_file_location('segment_launch', FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.generate_launch_description().entities
    context = LaunchContext()
    context.launch_configurations.update(
        {
            'image': '/camera/image_raw',
            'model': 'model.onnx',
            'params_file': str(ROOT / 'config/segment.yaml'),
            'namespace': '',
            'name': 'segmentation_node',
            'log_level': 'info',
        }
    )
    (node,) = module.make_node(context)
    assert node.node_package == 'stdc_seg_ros'
    assert node.node_executable == 'segmentation_node'


def test_the_parameter_file_has_every_parameter_with_its_default():
    from stdc_seg_ros.parameters import SPECS

    fields = yaml.safe_load((ROOT / 'config/segment.yaml').read_text())
    assert fields == {
        '/**': {'ros__parameters': {name: spec.default for name, spec in SPECS.items()}}
    }
