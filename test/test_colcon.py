"""``colcon build``: what it installs, and that it runs from where ``ros2 run`` looks."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ros_bench import DOMAIN

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def workspace(tmp_path_factory):
    """Build the package; the folder of the installation."""
    pytest.importorskip('colcon_ros', reason='colcon is not installed: nothing was built')
    workspace = tmp_path_factory.mktemp('workspace')
    command = [sys.executable, '-m', 'colcon', '--log-base', workspace / 'log', 'build']
    command += ['--paths', ROOT, '--executor', 'sequential']
    command += ['--build-base', workspace / 'build', '--install-base', workspace / 'install']
    environment = {
        **os.environ,
        'AMENT_PREFIX_PATH': os.environ.get('AMENT_PREFIX_PATH', sys.prefix),
    }
    result = subprocess.run(
        [str(word) for word in command], env=environment, cwd=workspace, capture_output=True,
        text=True, timeout=240,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    return workspace


@pytest.fixture
def run_installed(workspace):
    """Start something with the workspace sourced."""
    started = []

    def start(*words):
        script = '. install/local_setup.bash && exec "$@"'
        command = ['bash', '-c', script, 'bash', *map(str, words)]
        environment = {
            **os.environ,
            'ROS_DOMAIN_ID': str(DOMAIN),
            'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
            'ROS_LOG_DIR': str(workspace / 'ros_log'),
        }
        pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT}
        started.append(
            subprocess.Popen(command, cwd=workspace, env=environment, text=True, **pipes)
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_launch_files_parameters_and_model_are_where_ros_looks(workspace):
    share = workspace / 'install/stdc_seg_ros/share/stdc_seg_ros'
    for name in (
        'package.xml',
        'launch/segment.launch.py',
        'config/segment.yaml',
        'config/segment.rviz',
        'config/fastdds_shared_memory.xml',
        'models/stdc1_camvid.onnx',
    ):
        assert (share / name).is_file(), name
    index = workspace / 'install/stdc_seg_ros/share/ament_index/resource_index/packages'
    assert (index / 'stdc_seg_ros').is_file()


def test_the_installed_node_runs_on_the_installed_code(workspace, run_installed, model_path):
    process = run_installed(
        sys.executable, '-c', 'import stdc_seg_ros; print(stdc_seg_ros.__file__)'
    )
    assert process.communicate(timeout=60)[0].startswith(str(workspace / 'install'))

    executable = workspace / 'install/stdc_seg_ros/lib/stdc_seg_ros/segmentation_node'
    node = run_installed(
        executable, '--ros-args', '-p', f'model:={model_path}', '-p', 'backend:=onnxruntime'
    )
    output = []
    for line in node.stdout:
        output.append(line)
        if 'active: ' in line:
            node.send_signal(signal.SIGINT)
    assert node.wait(timeout=30) == 0, ''.join(output)
    assert any('active: ' in line for line in output), ''.join(output)
