"""A short soak: generous limits, since two minutes beside other work say little of a slope."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / 'benchmark/soak.py'
MEMORY_MIB_AN_HOUR = 600  # 12 KiB a frame; one image a frame would be 27,000
MORE_DESCRIPTORS, MORE_THREADS = 5, 3


def run(*arguments):
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.slow
def test_two_minutes_lose_and_leak_nothing(tmp_path):
    output = tmp_path / 'soak.json'
    process = run('--minutes', 2, '--output', output)
    assert process.returncode == 0, process.stderr
    result = json.loads(output.read_text())
    assert result['images'] == 1800
    assert result['unaccounted for'] == 0
    assert result['masks received'] > 0
    assert len(process.stderr.splitlines()) >= 4  # progress
    slope, error = (result[f'memory slope{what} (MiB an hour)'] for what in ('', ', two errors'))
    assert slope - error < MEMORY_MIB_AN_HOUR
    for what, more in (('file descriptors', MORE_DESCRIPTORS), ('threads', MORE_THREADS)):
        least, most = result[f'{what}, least and most']
        assert most - least <= more, what


def test_a_slope_is_found_in_noise():
    sys.path.insert(0, str(SCRIPT.parent))
    import numpy as np
    from soak import slope

    x = np.arange(500.0)
    y = 3.0 * x + 7 + np.random.default_rng(0).normal(0, 50, 500)
    found, error = slope(x, y)
    expected, covariance = np.polyfit(x, y, 1, cov=True)  # of NumPy's own
    assert found == pytest.approx(expected[0])
    assert error == pytest.approx(2 * np.sqrt(covariance[0, 0]), rel=1e-6)
    assert abs(found - 3) < error
