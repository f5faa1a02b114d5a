"""``doctor``: what keeps images from arriving on this machine."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console

from stdc_core.command_line.run_command import run_command
from stdc_core.errors import InvalidArgumentError
from stdc_seg_ros.camera_state import Level
from stdc_seg_ros.doctor.finding import Finding
from stdc_seg_ros.doctor.image_stream import Reliability, Stream
from stdc_seg_ros.doctor.machine import judge_machine, look_around
from stdc_seg_ros.doctor.transport_probe import judge_transport, probe
from stdc_seg_ros.transport import SHARED_MEMORY_PROFILE

MARKS: dict[Level, str] = {
    'ok': '[green]ok     [/]',
    'warning': '[yellow]warning[/]',
    'error': '[red]error  [/]',
}


def doctor(
    size: Annotated[tuple[int, int], tyro.conf.arg(metavar='H W')] = (720, 1280),
    rate: float = 30.0,
    reliability: Reliability | Literal['both'] = 'both',
    seconds: float = 3.0,
) -> int:
    """Measure how images get from one process to another here, and name the fix.

    Sends images between two processes of its own, in a ROS domain of their own, once as this
    environment has it and once with this package's profile. Exit code 1 where something is wrong.

    :param size: height and width of the camera's images.
    :param rate: images a second.
    :param reliability: of the camera driver.
    :param seconds: each measurement takes.
    """
    for name, value in (('height', size[0]), ('width', size[1]), ('rate', rate)):
        if not value > 0:
            raise InvalidArgumentError(f'{name} is {value}, expected above 0')
    if not rate * seconds >= 1:
        raise InvalidArgumentError(f'{seconds:g} s at {rate:g} Hz are no image')
    console = Console(highlight=False, soft_wrap=True)
    wrong = False
    for finding in _findings(size, rate, reliability, seconds):
        console.print(f'{MARKS[finding.level]} {finding.subject}: {finding.found}')
        if finding.fix:
            console.print(f'        {finding.fix}')
        wrong |= finding.level == 'error'
    return int(wrong)


def _findings(
    size: tuple[int, int],
    rate: float,
    reliability: Reliability | Literal['both'],
    seconds: float,
) -> Iterator[Finding]:
    yield from judge_machine(look_around())
    kinds: tuple[Reliability, ...] = ('best_effort', 'reliable')
    if reliability != 'both':
        kinds = (reliability,)
    with tempfile.TemporaryDirectory(prefix='stdc_seg_doctor_') as folder:
        for tuned in (False, True):
            for kind in kinds:
                stream = Stream(*size, rate, round(rate * seconds), kind, tuned)
                yield judge_transport(probe(stream, Path(folder)), SHARED_MEMORY_PROFILE)


def main() -> int:
    """Run the command line of this process.

    :return: the exit code.
    """
    return run_command('doctor', lambda: tyro.cli(doctor, prog='doctor'))


if __name__ == '__main__':
    sys.exit(main())
