"""What tune_transport() does to a process, seen in processes of their own."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from stdc_seg_ros.transport import PROFILE_VARIABLES, SHARED_MEMORY_PROFILE

TUNE = 'from stdc_seg_ros.transport import *; tune_transport()\n'
SHOW = 'print([os.environ.get(name) for name in PROFILE_VARIABLES])'
FAULTS = """
import resource
import numpy as np
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        [np.ones(2 << 20, np.uint8) for _ in range(3)]  # the images on their way at a time
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
"""
# Its own only: it maps those of participants that it meets, and of ended ones that left theirs.
# They are named fastdds_…, before Kilted fastrtps_…
SEGMENTS = """
import glob
import rclpy
others = set(glob.glob('/dev/shm/fast*'))
rclpy.init()
node = rclpy.create_node('segments')
own = set(glob.glob('/dev/shm/fast*')) - others
lines = [line.split() for line in open('/proc/self/maps').read().splitlines()]
ranges = [line[0].split('-') for line in lines if line[-1] in own]
print(max(int(end, 16) - int(start, 16) for start, end in ranges))
node.destroy_node()
rclpy.try_shutdown()
"""


def run(code: str, **variables: str) -> str:
    environment = {name: os.environ[name] for name in os.environ if name not in PROFILE_VARIABLES}
    result = subprocess.run(
        [sys.executable, '-c', code],
        env={**environment, **variables},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert not result.stderr
    return result.stdout


def test_fast_dds_is_given_the_profile():
    assert repr(str(SHARED_MEMORY_PROFILE)) in run(TUNE + SHOW)
    assert ElementTree.parse(SHARED_MEMORY_PROFILE).getroot().tag.endswith('dds')


@pytest.mark.parametrize('name', PROFILE_VARIABLES)
def test_a_profile_of_the_users_stays(name):
    shown = eval(run(TUNE + SHOW, **{name: '/their/own.xml'}))
    assert shown == ['/their/own.xml' if name == own else None for own in PROFILE_VARIABLES]


def test_an_image_that_is_freed_and_made_again_costs_no_page_faults():
    shown = run(f'{FAULTS}print(faults())\n{TUNE}faults()\nprint(faults())')
    before, after = map(int, shown.split())
    assert before > 50 * 400, 'the measurement shows nothing'
    assert after < 50 * 20


def test_images_fit_into_the_shared_memory():
    if os.environ.get('RMW_IMPLEMENTATION', 'rmw_fastrtps_cpp') != 'rmw_fastrtps_cpp':
        pytest.skip('another middleware than Fast DDS')
    assert int(run(SEGMENTS)) < 1 << 20
    assert int(run(TUNE + SEGMENTS)) >= 16 << 20
