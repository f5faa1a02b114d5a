"""Files that are whole or not there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Write to the path this yields; it becomes ``path`` when the block ends without exception.

    On an exception, Ctrl-C included, the part is removed and a file that was at ``path`` stays.

    :param path: the file to write; its folder is made. What is yielded lies in the same folder
        and has the same suffix, so that writers that look at the suffix work.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'.{path.stem}.part-{os.getpid()}{path.suffix}')
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
