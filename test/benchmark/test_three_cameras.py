"""A short run of the script that measures three cameras."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / 'benchmark/three_cameras.py'


@pytest.mark.slow
def test_every_frame_of_every_camera_is_in_the_table():
    command = [sys.executable, str(SCRIPT), '--frames', '60']
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    rows = re.findall(r'^\| (front|left|rear) \| (.+) \|$', result.stdout, re.MULTILINE)
    assert [name for name, _ in rows] == ['front', 'left', 'rear']
    for _, cells in rows:
        images, _, masks, replaced, lost, p50, p95, longest = map(float, cells.split(' | '))
        assert images == masks + replaced + lost == 60
        assert 0 < p50 <= p95 <= longest
