"""training -> stdc_core <- stdc_seg_ros; no ROS in the core, torch only where it belongs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROS = {
    'rclpy',
    'sensor_msgs',
    'std_msgs',
    'diagnostic_msgs',
    'lifecycle_msgs',
    'vision_msgs',
    'cv_bridge',
    'sensor_msgs_py',
    'launch',
    'launch_ros',
    'ament_index_python',
}
TORCH_ROOMS = (
    'networks/',
    'losses/',
    'training/',
    'export.py',
    'engines/torch.py',
    'engines/torch_cuda.py',
    'engines/torch_frame.py',
    'engines/torch_tail.py',
    'benchmark/authors_way.py',
)


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path}: imports are absolute'
            names.add(node.module or '')
    return names


def roots(names: set[str]) -> set[str]:
    return {name.split('.')[0] for name in names}


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob('*.py'))


@pytest.mark.parametrize('path', files('stdc_core'), ids=str)
def test_core_imports_neither_ros_nor_the_sides(path):
    assert not roots(imported(path)) & (ROS | {'stdc_seg_ros', 'training'})


@pytest.mark.parametrize('path', files('stdc_core'), ids=str)
def test_torch_stays_in_its_rooms(path):
    if not str(path.relative_to(ROOT / 'stdc_core')).startswith(TORCH_ROOMS):
        assert 'torch' not in roots(imported(path))


def test_the_two_sides_never_meet():
    for path in files('stdc_seg_ros'):
        assert not roots(imported(path)) & {'training', 'torch'}, path
    for path in files('training'):
        assert 'stdc_seg_ros' not in roots(imported(path)), path


@pytest.mark.parametrize(
    'module',
    [
        'stdc_core.command_line.main',
        'stdc_core.engines.openvino',
        'stdc_core.engines.onnxruntime',
        'stdc_core.benchmark.suite',
        'stdc_core.command_line.build_engine',
    ],
)
def test_running_a_model_loads_no_torch(module):
    code = f'import sys, {module}; sys.exit("torch" in sys.modules)'
    subprocess.run([sys.executable, '-c', code], check=True, cwd=ROOT)
