"""Entry point of ``stdc_seg``: exit code 0, 1 for an error, 2 for wrong usage, 130 for Ctrl-C."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from stdc_core import __version__
from stdc_core.command_line.run_command import run_command

if TYPE_CHECKING:  # it imports OpenCV, see below
    from stdc_core.command_line.frame_source import OpenBag

DESCRIPTION = """Real-time semantic segmentation with STDC-Seg networks.

export makes a model file of a checkpoint, quantize an int8 one of that, segment runs it on images,
videos and cameras. build-engine prepares it for TensorRT."""


def main(open_bag: OpenBag | None = None) -> int:
    """Run the command line of this process.

    :param open_bag: reads bags for ``quantize``.
    :return: the exit code.
    """
    return run_command('stdc_seg', lambda: _parse(open_bag))


def _parse(open_bag: OpenBag | None) -> None:
    """Import here: Ctrl-C while the libraries load ends as it does later."""
    if sys.argv[1:] == ['--version']:
        print(f'stdc_seg {__version__}')
        return
    os.environ.setdefault('OPENCV_LOG_LEVEL', 'SILENT')  # read on import: errors are one line
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')

    import tyro

    from stdc_core.command_line.benchmark import benchmark
    from stdc_core.command_line.build_engine import build_engine
    from stdc_core.command_line.export import export
    from stdc_core.command_line.info import info
    from stdc_core.command_line.quantize import quantize
    from stdc_core.command_line.segment import segment

    tyro.extras.subcommand_cli_from_dict(
        {
            'segment': segment,
            'export': export,
            'quantize': partial(quantize, open_bag=open_bag),
            'build-engine': build_engine,
            'info': info,
            'benchmark': benchmark,
        },
        prog='stdc_seg',
        description=DESCRIPTION,
        sort_subcommands=False,
    )


if __name__ == '__main__':
    sys.exit(main())
