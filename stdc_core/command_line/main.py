"""Entry point of ``stdc_seg``: exit code 0, 1 for an error, 2 for wrong usage, 130 for Ctrl-C."""

import logging
import os
import sys

os.environ.setdefault('OPENCV_LOG_LEVEL', 'SILENT')  # read on import: our errors are one line

import tyro

from stdc_core.command_line.benchmark import benchmark
from stdc_core.command_line.export import export
from stdc_core.command_line.info import info
from stdc_core.command_line.segment import segment
from stdc_core.errors import UserError

DESCRIPTION = """Real-time semantic segmentation with STDC-Seg networks.

export makes a model file of a checkpoint, segment runs it on images, videos and cameras."""


def main() -> int:
    """Run the command line of this process.

    :return: the exit code.
    """
    logging.basicConfig(format='%(message)s', stream=sys.stderr)
    try:
        tyro.extras.subcommand_cli_from_dict(
            {'segment': segment, 'export': export, 'info': info, 'benchmark': benchmark},
            prog='stdc_seg',
            description=DESCRIPTION,
            sort_subcommands=False,
        )
    except KeyboardInterrupt:
        print('stdc_seg: interrupted', file=sys.stderr)
        return 130
    except (UserError, OSError) as error:
        print(f'stdc_seg: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
