"""What ROS's tools read agrees with what Python's tools read."""

import importlib.metadata
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import stdc_core

ROOT = Path(__file__).parents[1]
PACKAGE = ElementTree.parse(ROOT / 'package.xml').getroot()


def test_versions_are_one():
    assert PACKAGE.findtext('version') == stdc_core.__version__
    assert importlib.metadata.version('stdc_seg_ros') == stdc_core.__version__


def test_package_xml_declares_what_a_ros_machine_needs():
    assert PACKAGE.get('format') == '3'
    assert PACKAGE.findtext('export/build_type') == 'ament_python'
    declared = {element.text for element in PACKAGE.findall('exec_depend')}
    assert declared >= {
        'rclpy',
        'sensor_msgs',
        'std_msgs',
        'diagnostic_msgs',
        'cv_bridge',
        'sensor_msgs_py',
        'launch',
        'launch_ros',
        'python3-numpy',
        'python3-opencv',
        'python3-yaml',
    }


def test_resource_marker_carries_the_package_name():
    assert (ROOT / 'resource' / PACKAGE.findtext('name')).is_file()


def test_changelog_has_this_version():
    assert f'## {stdc_core.__version__}' in (ROOT / 'CHANGELOG.md').read_text()
