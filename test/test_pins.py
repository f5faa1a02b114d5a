"""Constraints.txt names a release of everything that the extras bring in."""

import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pinned_packages import ELSEWHERE, PACKAGE, open_requirements, read_pins

ROOT = Path(__file__).parents[1]


def test_everything_that_is_installed_is_pinned():
    asked_for = open_requirements()
    assert {'numpy', 'llvmlite', 'ros-rclpy', 'ros-fastdds', 'lz4', 'packaging'} <= asked_for
    assert not asked_for - read_pins().keys()


def test_every_extra_is_pinned_even_where_it_is_not_installed():
    direct = {Requirement(text).name for text in distribution(PACKAGE).requires}
    here = {name for name in map(canonicalize_name, direct) if not name.startswith(ELSEWHERE)}
    assert {'ray', 'nvidia-ml-py', 'openvino'} <= here
    assert not here - read_pins().keys()


def make(*arguments: str, **environment: str) -> str:
    """Say what make would run."""
    command = ['make', '--dry-run', '--no-print-directory', *arguments]
    path = {'PATH': f'{Path(sys.executable).parent}:/usr/bin:/bin'}
    result = subprocess.run(
        command, env={**path, **environment}, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return result.stdout


def constraint_of(*arguments: str, **environment: str) -> str:
    """Say what pip would be given."""
    return make(*arguments, '--eval', 'said:\n\t@echo constraint=$(PIP_CONSTRAINT)', 'said',
                **environment).strip().partition('constraint=')[2]  # fmt: skip


def test_make_hands_the_pins_to_pip_unless_told_otherwise():
    assert constraint_of() == str(ROOT / 'constraints.txt')
    assert constraint_of(PIP_CONSTRAINT='') == ''
    assert constraint_of(PIP_CONSTRAINT='/mine.txt') == '/mine.txt'
    # A sourced ROS has a NumPy and an OpenCV of its own.
    assert constraint_of(ROS_DISTRO='jazzy') == ''


def test_another_torch_is_no_contradiction_to_the_pins():
    [pin] = re.findall(r'^TORCH \?= (.*)$', (ROOT / 'Makefile').read_text(), re.MULTILINE)
    assert pin.startswith('torch==')
    assert 'torch' not in read_pins()
    said = make('VENV=.venv-nowhere', 'TORCH=torch==9.9 --index-url there', 'lint')
    assert 'install torch==9.9 --index-url there' in said
