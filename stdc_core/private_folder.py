"""Folders for what is loaded again and trusted, such as built engines: nobody else writes there.

An engine file is code. One that another user planted, or may change, is refused, as sshd refuses
such keys: it must be the user's own or root's, and nobody else may write to it.
"""

import os
import stat
from pathlib import Path

from stdc_core.errors import UserError
from stdc_core.regular_file import open_regular_file

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class NotPrivateError(UserError):
    """What is there is another user's, or others may write to it."""


def make_private_folder(path: str | Path) -> Path:
    """Make a folder that is the user's alone (mode 0700); one that is there is checked.

    Folders above that are missing are made, too, with the usual rights.

    :return: the folder.
    :raises NotPrivateError: a folder is there that is another user's or others may write to, or
        something else than a folder, a link among it.
    :raises OSError: it cannot be made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode):
            raise NotPrivateError(
                f'{path} is to be a folder of its own, and is a link or something else: remove it'
            ) from None
        _check(path, found, 'folder')
    return path


def read_private_file(path: str | Path) -> bytes:
    """Read a file that nobody else can have written.

    What is checked is the file that is read: exchanging it in between is of no use. Its folder
    does not matter then; links are followed.

    :raises NotPrivateError: it is another user's, or others may write to it.
    :raises OSError: it cannot be read, or is no regular file.
    """
    with open_regular_file(path) as stream:
        _check(Path(path), os.fstat(stream.fileno()), 'file')
        return stream.read()


def _check(path: Path, found: os.stat_result, what: str) -> None:
    if found.st_uid not in (0, os.geteuid()):
        raise NotPrivateError(
            f'{path} belongs to user {found.st_uid}, expected a {what} of your own (user '
            f'{os.geteuid()}), because what is in it is run: remove it, or name another {what}'
        )
    if found.st_mode & OTHERS_WRITE:
        raise NotPrivateError(
            f'{path} can be written by others (mode {stat.S_IMODE(found.st_mode):04o}), and what '
            f'is in it is run: if you trust what is there, chmod go-w {path}'
        )
