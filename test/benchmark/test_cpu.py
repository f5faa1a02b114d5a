"""The script in benchmark/ is the command of the package."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / 'benchmark/cpu.py'


def run(*arguments):
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_help_says_what_is_compared():
    result = run('--help')
    assert result.returncode == 0
    assert "authors' way" in result.stdout


def test_errors_are_one_line():
    result = run('--model', 'gone.onnx')
    assert result.returncode == 1
    assert (
        result.stderr == 'benchmark: cannot read model file gone.onnx: No such file or directory\n'
    )
