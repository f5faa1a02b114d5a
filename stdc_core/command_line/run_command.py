"""How every command of this project ends: 0, 1 for an error, 130 for Ctrl-C, 143 for SIGTERM."""

import logging
import signal
import sys
from collections.abc import Callable
from types import FrameType

from stdc_core.errors import UserError


def run_command(name: str, command: Callable[[], object]) -> int:
    """Run a command; errors that the user can mend become one line.

    Wrong usage ends in the command-line parser, with exit code 2. Anything else is a bug and keeps
    its traceback.

    :param name: of the program, in front of its errors.
    :return: the exit code; what ``command`` returns if that is a whole number.
    """
    signal.signal(signal.SIGTERM, _end)
    logging.basicConfig(format='%(message)s', stream=sys.stderr)
    try:
        result = command()
    except KeyboardInterrupt:
        print(f'{name}: interrupted', file=sys.stderr)
        return 130
    except (UserError, OSError) as error:
        print(f'{name}: {error}', file=sys.stderr)
        return 1
    return result if isinstance(result, int) else 0


def _end(number: int, frame: FrameType | None) -> None:
    """End as an exception does, so that no half file stays."""
    raise SystemExit(128 + number)
