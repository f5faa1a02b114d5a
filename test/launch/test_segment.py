"""The launch file: as far as it goes without `launch`, which PyPI does not have, and with it."""

import ast
import importlib.util
from collections import Counter
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / 'launch/segment.launch.py'
PROFILE = ROOT / 'stdc_seg_ros/fastdds_shared_memory.xml'
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
    words = Counter(node.value for node in ast.walk(TREE) if isinstance(node, ast.Constant))
    for name, call in declared.items():
        assert words[name] > 1, name
        texts = [word.value for word in call.keywords if word.arg == 'description']
        assert isinstance(ast.literal_eval(texts[0]), str)


def test_it_starts_an_executable_that_is_installed():
    packages = {keywords(node)['package']: keywords(node)['executable'] for node in calls('Node')}
    assert packages.pop('rviz2') == 'rviz2'
    (executable,) = packages.values()
    assert set(packages) == {'stdc_seg_ros'}
    setup = (ROOT / 'setup.py').read_text()
    assert f"'{executable} = stdc_seg_ros." in setup
    assert "glob('launch/*.launch.py')" in setup


def test_rviz_shows_what_the_node_publishes():
    from stdc_seg_ros.camera_outputs import ENCODINGS

    config = yaml.safe_load((ROOT / 'config/segment.rviz').read_text())
    topics = [display['Topic']['Value'] for display in config['Visualization Manager']['Displays']]
    assert topics.pop(0) == '/camera/image_raw'
    assert topics
    for topic in topics:
        assert topic.removeprefix('/segmentation_node/') in ENCODINGS


@pytest.fixture
def make_node():
    """Run the launch file's own function in the real launch."""
    pytest.importorskip(
        'launch_ros', reason='launch_ros is not on PyPI: the launch file was not executed'
    )
    from launch import LaunchContext

    spec = importlib.util.spec_from_file_location('segment_launch', FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.generate_launch_description().entities

    def make(**given):
        context = LaunchContext()
        for argument in module.ARGUMENTS:
            if argument.name != 'params_file':
                argument.execute(context)
        context.launch_configurations.update(
            {'params_file': str(ROOT / 'config/segment.yaml'), **given}
        )
        (node,) = module.make_node(context)
        node._perform_substitutions(context)
        return node

    return make


def test_the_real_launch_makes_the_node_of_it(make_node):
    node = make_node(model='model.onnx', image='/front/image_raw')
    assert (node.node_package, node.node_executable) == ('stdc_seg_ros', 'segmentation_node')
    assert node.expanded_remapping_rules == [('image', '/front/image_raw')]


def test_several_cameras_have_a_topic_each(make_node):
    node = make_node(cameras='front, rear', image='/a/image_raw,/b/image_raw')
    assert node.expanded_remapping_rules == [
        ('front/image', '/a/image_raw'),
        ('rear/image', '/b/image_raw'),
    ]
    with pytest.raises(ValueError, match='image:=/a/image_raw has 1 topics, expected 2'):
        make_node(cameras='front,rear', image='/a/image_raw')


@pytest.mark.parametrize(
    ('distribution', 'variable'),
    [
        ('jazzy', 'FASTRTPS_DEFAULT_PROFILES_FILE'),
        ('kilted', 'FASTDDS_DEFAULT_PROFILES_FILE'),
    ],
)
def test_a_transport_profile_is_for_the_node_alone(make_node, monkeypatch, distribution, variable):
    from launch import LaunchContext
    from launch.utilities import perform_substitutions

    monkeypatch.setenv('ROS_DISTRO', distribution)
    monkeypatch.chdir(PROFILE.parent)
    node = make_node(transport_profile=PROFILE.name)
    given = [
        tuple(perform_substitutions(LaunchContext(), part) for part in pair)
        for pair in node.additional_env
    ]
    assert given == [(variable, str(PROFILE))]


def test_without_a_transport_profile_the_environment_stays(make_node):
    assert not make_node().additional_env


def test_a_transport_profile_that_is_not_there_is_refused(make_node):
    with pytest.raises(ValueError, match=r'transport_profile:=gone.xml is no file, expected XML'):
        make_node(transport_profile='gone.xml')


def test_the_parameter_file_has_every_parameter_with_its_default():
    from stdc_seg_ros.parameters import SPECS

    fields = yaml.safe_load((ROOT / 'config/segment.yaml').read_text())
    assert fields == {
        '/**': {'ros__parameters': {name: spec.default for name, spec in SPECS.items()}}
    }
