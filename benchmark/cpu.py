"""Time the CPU engines of this machine: the same as ``stdc_seg benchmark``."""

import sys

import tyro

from stdc_core.command_line.benchmark import benchmark
from stdc_core.command_line.run_command import run_command

if __name__ == '__main__':
    sys.exit(run_command('benchmark', lambda: tyro.cli(benchmark, prog='benchmark/cpu.py')))
