"""Reading files of foreign origin: what is no file does not block, what has no end is not read.

An unpacked archive can hold pipes and links to devices; opening a pipe waits for a writer, and
``/dev/zero`` never ends.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def open_regular_file(path: str | Path) -> Iterator[BinaryIO]:
    """Open a file to read; links are followed.

    :raises OSError: it cannot be read, or is a pipe, a device or a folder.
    """
    with open(path, 'rb', opener=_without_waiting) as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(errno.EINVAL, 'it is no regular file', str(path))
        yield stream


def read_regular_file(path: str | Path, at_most: int) -> bytes:
    """Read a whole file.

    :param at_most: bytes.
    :raises OSError: it cannot be read, is no regular file, or is larger; ``strerror`` says it in
        words.
    """
    with open_regular_file(path) as stream:
        content = stream.read(at_most + 1)
    if len(content) > at_most:
        raise OSError(errno.EFBIG, f'it has more than {at_most:,} bytes', str(path))
    return content


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
