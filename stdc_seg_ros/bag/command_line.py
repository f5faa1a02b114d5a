"""Entry points: ``stdc_seg``, ``build_bag``, ``play_bag``, ``evaluate_bag``, ``stdc_seg_demo``.

Exit code 0, 1 for an error, 2 for wrong usage; 130 and 143 for Ctrl-C and SIGTERM, which end
``play_bag`` with 0 once it plays.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from stdc_core.command_line import main
from stdc_core.command_line.run_command import run_command

if TYPE_CHECKING:  # imported where a command needs it
    from stdc_core.command_line.frame_source import FrameSource


def stdc_seg() -> int:
    """Run the core's command line of this process; here it can read bags.

    :return: the exit code.
    """
    return main.main(_open_bag)


def build_bag() -> int:
    """Run the command line of this process.

    :return: the exit code.
    """
    return run_command('build_bag', _build_bag)


def play_bag() -> int:
    """Run the command line of this process.

    :return: the exit code.
    """
    return run_command('play_bag', _play_bag)


def evaluate_bag() -> int:
    """Run the command line of this process.

    :return: the exit code; 3 where a limit is not kept.
    """
    return run_command('evaluate_bag', _evaluate_bag)


def stdc_seg_demo() -> int:
    """Run the command line of this process.

    :return: the exit code.
    """
    return run_command('stdc_seg_demo', _demo)


def _open_bag(path: Path, topic: str | None, at_most: int) -> FrameSource:
    from stdc_seg_ros.bag.frames import open_bag

    return open_bag(path, topic, at_most)


def _build_bag() -> None:
    """Import here: Ctrl-C while the libraries load ends as it does later."""
    os.environ.setdefault('OPENCV_LOG_LEVEL', 'SILENT')  # read on import: errors are one line

    import tyro

    from stdc_seg_ros.bag.build_bag import build_bag

    tyro.cli(build_bag, prog='build_bag')


def _play_bag() -> None:
    import tyro

    from stdc_seg_ros.bag.play_bag import play_bag

    tyro.cli(play_bag, prog='play_bag')


def _evaluate_bag() -> object:
    os.environ.setdefault('OPENCV_LOG_LEVEL', 'SILENT')

    import tyro

    from stdc_seg_ros.evaluation.evaluate_bag import evaluate_bag

    return tyro.cli(evaluate_bag, prog='evaluate_bag')


def _demo() -> None:
    os.environ.setdefault('OPENCV_LOG_LEVEL', 'SILENT')

    import tyro

    from stdc_seg_ros.bag.demo import demo

    tyro.cli(demo, prog='stdc_seg_demo')
