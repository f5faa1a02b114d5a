"""Files that are whole or not there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stdc_core.errors import UserError


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Write to the path this yields; it becomes ``path`` when the block ends without exception.

    On an exception, Ctrl-C included, the part is removed and a file that was at ``path`` stays.

    :param path: the file to write; its folder is made, and a link is followed. What is yielded
        lies in the same folder and has the same suffix, so that writers that look at the suffix
        work.
    :raises UserError: something is there that is no file, e.g. a folder or a device.
    """
    target = Path(path).resolve()
    if target.exists() and not target.is_file():
        raise UserError(f'{path} is to be a file, and something else is there: name another')
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f'.{target.stem}.part-{os.getpid()}{target.suffix}')
    try:
        part.touch()
        mode = part.stat().st_mode
        yield part
        part.chmod(mode)  # safetensors makes its files for their owner alone
        os.replace(part, target)
    except OSError as error:  # the disk is full: say where
        error.filename = error.filename or str(path)
        raise
    finally:
        part.unlink(missing_ok=True)
