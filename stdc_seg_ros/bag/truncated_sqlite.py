"""SQLite bags that were cut off, or whose recorder was killed: what is whole can be read.

SQLite refuses a file that is shorter than it says; a copy of the whole rows is a file again. A
recorder that was killed may leave its last messages in a log beside the file: rosbags reads past
that, SQLite merges it into a copy.
"""

from __future__ import annotations

import shutil
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from stdc_seg_ros.bag.sqlite_pages import Row, SqlitePages

ALLOWED = (
    sqlite3.SQLITE_CREATE_TABLE,
    sqlite3.SQLITE_CREATE_INDEX,
    sqlite3.SQLITE_REINDEX,  # a new index is filled
    sqlite3.SQLITE_INSERT,
    sqlite3.SQLITE_UPDATE,  # of the table of tables
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_TRANSACTION,
)
JOURNAL_MAGIC = bytes.fromhex('d9d505f920a163d7')
LOGS = ('-wal', '-journal')  # SQLite names them so after the file
DISK_ERRORS = ('disk is full', 'disk I/O error', 'unable to open')  # of SQLite


def unmerged_log(file: Path) -> Path | None:
    """Find a log whose messages are not in the file."""
    logs = [file.with_name(file.name + suffix) for suffix in LOGS]
    return next((log for log in logs if log.exists() and log.stat().st_size), None)


def is_whole(file: Path) -> bool:
    """Whether all messages are in the file, and SQLite finds them."""
    if _is_cut(file) or unmerged_log(file):
        return False
    try:
        uri = f'{file.resolve().as_uri()}?immutable=1'
        with closing(sqlite3.connect(uri, uri=True)) as database:
            database.execute('SELECT count(*) FROM messages NOT INDEXED')
    except sqlite3.DatabaseError:
        return False
    return True


def copy_whole_rows(source: Path, target: Path) -> None:
    """Make a readable file of what is whole.

    A log beside the file counts, but not where the file itself is cut: its pages may be of what
    is missing.

    :raises ValueError: no table of a bag can be found.
    :raises OSError: the copy cannot be written.
    """
    try:
        if _is_cut(source) or unmerged_log(source) is None or not _merge_log(source, target):
            _copy_pages(source, target)
    except (sqlite3.Error, OverflowError, IndexError, struct.error) as error:
        if _is_of_the_disk(error):
            raise OSError(f'{target}: {error}') from error
        raise ValueError(f'{source}: {error}') from error


def _is_of_the_disk(error: Exception) -> bool:
    """Whether writing failed; a damaged file is an OperationalError, too."""
    return any(words in str(error) for words in DISK_ERRORS)


def _copy_pages(source: Path, target: Path) -> None:
    with source.open('rb', buffering=0) as stream, closing(sqlite3.connect(target)) as database:
        database.execute('PRAGMA synchronous = OFF')
        database.set_authorizer(_allow)
        _insert_whole_rows(database, SqlitePages(stream))
        database.commit()


def _allow(action: int, *_: object) -> int:
    """Let the bag's own SQL make tables and indexes; ATTACH could write anywhere."""
    return sqlite3.SQLITE_OK if action in ALLOWED else sqlite3.SQLITE_DENY


def _is_cut(file: Path) -> bool:
    """Whether the file has fewer pages than its header says."""
    try:
        with file.open('rb', buffering=0) as stream:
            pages = SqlitePages(stream)
    except ValueError:
        return True
    return pages.count < pages.promised


def _insert_whole_rows(database: sqlite3.Connection, pages: SqlitePages) -> None:
    """Make the tables, fill them, and make their indexes."""
    made = [row.values for row in pages.table(1)]
    if not made:
        raise ValueError('no table can be found')
    for kind, name, _, root, sql in made:
        if kind != 'table' or str(name).startswith('sqlite_'):
            continue
        if not isinstance(name, str) or not isinstance(root, int) or '"' in name:
            raise ValueError(f'a table is named {name!r}, expected those of a bag')
        database.execute(str(sql))
        rows = _messages(pages) if name == 'messages' else pages.table(root)
        for number, (first, *others) in rows:
            values = (number if first is None else first, *others)
            places = ', '.join('?' * len(values))
            # A page that was moved may be there twice.
            database.execute(f'INSERT OR IGNORE INTO "{name}" VALUES ({places})', values)
    for kind, _, _, _, sql in made:
        if kind == 'index' and sql:
            database.execute(str(sql))


def _messages(pages: SqlitePages) -> Iterator[Row]:
    """Find the messages by what no other table of a bag has: key, topic, time and data."""
    for row in pages.leaves():
        if [type(value) for value in row.values] == [type(None), int, int, bytes]:
            yield row


def _merge_log(source: Path, target: Path) -> bool:
    """Copy the file and its log, and let SQLite make one of them.

    :return: False, and nothing is left, where one of them is damaged so that SQLite cannot.
    :raises ValueError: the journal ends in the name of a super-journal, which SQLite deletes when
        it is done. Only a transaction over several databases has one.
    """
    copies = {suffix: target.with_name(target.name + suffix) for suffix in ('', *LOGS)}
    for suffix, copy in copies.items():
        file = source.with_name(source.name + suffix)
        if file.exists():
            shutil.copyfile(file, copy)
    journal = copies['-journal']
    if journal.exists() and journal.read_bytes().endswith(JOURNAL_MAGIC):
        raise ValueError(f'{source}-journal names another file: it is no journal of a recorder')
    try:
        with closing(sqlite3.connect(target)) as database:
            database.execute('PRAGMA journal_mode = DELETE')
        if is_whole(target):
            return True
    except sqlite3.DatabaseError as error:
        if _is_of_the_disk(error):
            raise
    for copy in copies.values():
        copy.unlink(missing_ok=True)
    return False
