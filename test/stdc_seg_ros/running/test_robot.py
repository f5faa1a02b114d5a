"""What a robot needs: the node starts and gives masks with nothing else to import."""

import sys
from importlib.metadata import packages_distributions

import numpy as np
import pytest
from packaging.utils import canonicalize_name
from pinned_packages import PACKAGE, requirements
from ros_bench import ROOT, Camera, NodeProcess, ask, image_message, pixels_of

# Of the base install; tyro and rich are for the command lines.
NODE_NEEDS = {'numba', 'numpy', 'onnx', 'opencv-python-headless', 'openvino', 'pyyaml'}
EXAMPLES = {'torch', 'onnxruntime', 'nncf', 'kornia', 'matplotlib', 'rosbags', 'jinja2', 'tyro'}
BLOCKER = """
import importlib.abc, sys

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {blocked}:
            raise ModuleNotFoundError(f'{{name}} is not on the robot', name=name)

sys.meta_path.insert(0, Blocker())
print('the robot has no', {count}, 'packages', flush=True)
"""


def installed_on_a_robot() -> set[str]:
    """Names of the packages that the node and Kilted's wheels bring."""
    names, todo = set(), set(NODE_NEEDS)
    for wanted in requirements(PACKAGE, frozenset({'ros'})):
        if (name := canonicalize_name(wanted.name)).startswith('ros-'):
            todo.add(name)
    for name in todo:
        names |= {name, *(canonicalize_name(inner.name) for inner in requirements(name))}
    return names


@pytest.fixture
def robot_path(tmp_path):
    """Make a folder whose sitecustomize.py forbids what a robot has not."""
    here = packages_distributions()
    on_robot = installed_on_a_robot()
    if not any('ros-rclpy' in map(canonicalize_name, found) for found in here.values()):
        pytest.skip('NOT RUN: ROS is the sourced one, not that of the wheels')
    blocked = {
        module
        for module, packages in here.items()
        if not on_robot & {*map(canonicalize_name, packages)}
        and PACKAGE not in map(canonicalize_name, packages)
        and module not in sys.stdlib_module_names
        and not module.startswith('_')
    }
    assert blocked >= EXAMPLES, 'these are installed here, so that forbidding them says something'
    text = BLOCKER.format(blocked=sorted(blocked), count=len(blocked))
    (tmp_path / 'sitecustomize.py').write_text(text)
    return tmp_path


def test_the_node_gives_masks_without_torch_and_all_else(bench, robot_path, tmp_path):
    from sensor_msgs.msg import Image

    model = ROOT / 'models/stdc1_camvid.onnx'
    node = NodeProcess({'model': model}, bench.namespace, tmp_path, python_path=[robot_path])
    try:
        node.wait_line('active: ', 300)
        assert 'the robot has no' in node.output
        collector = bench.collect(Image, 'segmentation_node/mask')
        camera = Camera(bench).wait_matched()
        frame = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
        [mask] = ask(camera, image_message(frame), collector)
        assert pixels_of(mask).shape == (60, 80)
        assert 'numba is missing' not in node.output
    finally:
        node.close()
