"""Build of the ROS 2 package stdc_seg_ros (ament_python); also installs with plain pip."""

import re
from glob import glob
from pathlib import Path

from setuptools import find_packages, setup

PACKAGE = 'stdc_seg_ros'
PROFILE = 'fastdds_shared_memory.xml'
# Builds TensorRT plans on any processor that it has wheels for.
TENSORRT_RTX = (
    'tensorrt-rtx-cu13>=1.7,<2; sys_platform == "linux" and platform_machine == "x86_64"'
)
ROS = [
    'builtin-interfaces',
    'diagnostic-msgs',
    'lifecycle-msgs',
    'rclpy',
    'rmw-fastrtps-cpp',
    'rosgraph-msgs',
    'sensor-msgs',
    'std-msgs',
    'std-srvs',
]

init = Path(__file__).with_name('stdc_core') / '__init__.py'
version = re.findall(r"^__version__ = '(.+)'$", init.read_text(), re.MULTILINE)[0]

setup(
    name=PACKAGE,
    version=version,
    description='Real-time street-scene segmentation for ROS 2 with STDC-Seg networks',
    license='Apache-2.0',
    maintainer='stdc_seg_ros maintainers',
    maintainer_email='stdc-seg-ros@users.noreply.example',
    packages=find_packages(include=['stdc_core*', 'stdc_seg_ros*']),
    package_data={
        'stdc_core': ['py.typed', 'cuda/kernels.*'],
        PACKAGE: [PROFILE, 'evaluation/*.j2'],
    },
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{PACKAGE}']),
        (f'share/{PACKAGE}', ['package.xml']),
        # Our processes find it in the package; other people's launch files look here.
        (f'share/{PACKAGE}/config', [f'{PACKAGE}/{PROFILE}', *glob('config/*')]),
        (f'share/{PACKAGE}/launch', glob('launch/*.launch.py')),
        (f'share/{PACKAGE}/models', glob('models/*')),
    ],
    python_requires='>=3.10',
    # What runs a model file. ROS comes from the system, or from PyPI's wheels of rclpy.
    install_requires=[
        'numba',
        'numpy>=1.26',
        'onnx',
        'opencv-python-headless',
        'openvino',
        'pyyaml',
        'rich',
        'tyro',
    ],
    extras_require={
        'onnxruntime': ['onnxruntime'],
        # For a machine without ROS; never beside a sourced one.
        'ros': [f'ros-{name}' for name in ROS],  # Kilted
        'ros-jazzy': [f'ros-jazzy-{name}' for name in ROS],
        # Runs TensorRT's plans (docs/gpu.md); tells the diagnostics of memory and temperature.
        'gpu': ['cuda-bindings', 'nvidia-ml-py'],
        'tensorrt-rtx': [TENSORRT_RTX],
        'bag': ['jinja2', 'rosbags>=0.11,<0.12'],  # its limits are put into it: bag/unpacking.py
        'cluster': ['ray'],
        'quantize': ['nncf', 'onnxruntime'],
        'train': [
            'kornia',
            'matplotlib',
            'onnxruntime',
            'onnxscript',
            'safetensors',
            'tensorboard',
            'torch',
        ],
        'test': [
            'colcon-bash',
            'colcon-core',
            'colcon-library-path',
            'colcon-ros',
            'coverage>=7.10',
            'cuda-bindings',  # on a driver of the tests' own
            'hypothesis',
            'mypy',
            'nvidia-cuda-nvrtc-cu12<12.7',  # later PTX is refused by older drivers
            'packaging',
            'pytest',
            'ruff',
            TENSORRT_RTX,
            'types-protobuf',
            'types-pyyaml',
        ],
    },
    entry_points={
        'console_scripts': [
            'stdc_seg = stdc_seg_ros.bag.command_line:stdc_seg',
            'build_bag = stdc_seg_ros.bag.command_line:build_bag',
            'play_bag = stdc_seg_ros.bag.command_line:play_bag',
            'evaluate_bag = stdc_seg_ros.bag.command_line:evaluate_bag',
            'stdc_seg_demo = stdc_seg_ros.bag.command_line:stdc_seg_demo',
            'segmentation_node = stdc_seg_ros.segmentation_node:main',
            'doctor = stdc_seg_ros.doctor.command_line:main',
        ]
    },
    zip_safe=False,
)
