"""Entry point of ``stdc_seg``: exit code 0, 1 for an error, 2 for wrong usage, 130 for Ctrl-C."""

import os
import sys

from stdc_core import __version__
from stdc_core.command_line.run_command import run_command

DESCRIPTION = """Real-time semantic segmentation with STDC-Seg networks.

export makes a model file of a checkpoint, quantize an int8 one of that, segment runs it on images,
videos and cameras."""


def main() -> int:
    """Run the command line of this process.

    :return: the exit code.
    """
    return run_command('stdc_seg', _parse)


def _parse() -> None:
    """Import here: Ctrl-C while the libraries load ends as it does later."""
    if sys.argv[1:] == ['--version']:
        print(f'stdc_seg {__version__}')
        return
    os.environ.setdefault('OPENCV_LOG_LEVEL', 'SILENT')  # read on import: errors are one line
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')

    import tyro

    from stdc_core.command_line.benchmark import benchmark
    from stdc_core.command_line.export import export
    from stdc_core.command_line.info import info
    from stdc_core.command_line.quantize import quantize
    from stdc_core.command_line.segment import segment

    tyro.extras.subcommand_cli_from_dict(
        {
            'segment': segment,
            'export': export,
            'quantize': quantize,
            'info': info,
            'benchmark': benchmark,
        },
        prog='stdc_seg',
        description=DESCRIPTION,
        sort_subcommands=False,
    )


if __name__ == '__main__':
    sys.exit(main())
