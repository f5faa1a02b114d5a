"""Rows of an SQLite file that SQLite itself refuses, page by page.

The format (https://www.sqlite.org/fileformat.html, sections 1.3, 1.6 and 2.1): rows lie in leaf
pages, and long ones go on in a chain of overflow pages. The pages that lead to the leaves are
split and moved long after what is below them was written, so where a file ends too early they may
be missing for all of its rows. Looking at every page finds the leaves without them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from io import FileIO
from typing import NamedTuple

MAGIC = b'SQLite format 3\0'
HEADER = struct.Struct('>16sH2xB7xI')  # magic, bytes of a page, of these reserved, pages
HEADER_BYTES = 100
INNER, LEAF = 0x05, 0x0D  # kinds of pages of a table
PAGE_HEADER = struct.Struct('>B2xH')  # kind, number of cells
RIGHTMOST = 8  # where an inner page has its last child
NUMBER = struct.Struct('>I')
MIN_PAGE = 512  # bytes
MAX_DEPTH = 64  # of a tree; SQLite's own need less than 20
MAX_READ = 8  # times the file; rows that share pages would make much more of it
INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # by the type of a value

Value = int | float | str | bytes | None


class Row(NamedTuple):
    """A row of a table; an INTEGER PRIMARY KEY is its ``number``, and None among the values."""

    number: int
    values: tuple[Value, ...]


class SqlitePages:
    """The whole pages of a file.

    :param stream: the file, open to read.
    :raises ValueError: it is no SQLite file, or it has no whole page.
    """

    def __init__(self, stream: FileIO) -> None:
        self._stream = stream
        header = stream.read(HEADER_BYTES)
        magic, size, reserved, promised = b'', 0, 0, 0
        if len(header) == HEADER_BYTES:
            magic, size, reserved, promised = HEADER.unpack_from(header)
        self._size = 1 << 16 if size == 1 else size
        self._usable = self._size - reserved
        self.promised: int = promised  # pages, by the header
        whole = magic == MAGIC and self._size >= MIN_PAGE
        self.count = stream.seek(0, 2) // self._size if whole else 0
        if not self.count:
            raise ValueError('this is no SQLite file, or it has no whole page')
        self._left = MAX_READ * self.count * self._size

    def table(self, root: int, depth: int = 0) -> Iterator[Row]:
        """Go through the rows of a table as far as pages lead to them.

        :param root: number of its first page; 1 is the table of all tables.
        :raises ValueError: pages lead in circles, or many rows to the same.
        """
        if depth > MAX_DEPTH:
            raise ValueError('pages lead in circles')
        page, start = self._page(root)
        kind, cells = _cells(page, start)
        if kind == LEAF:
            yield from self._leaf(page, cells)
        elif kind == INNER:
            for place in (*cells, start + RIGHTMOST):
                (child,) = NUMBER.unpack_from(page, place)
                if 1 <= child <= self.count:
                    yield from self.table(child, depth + 1)

    def leaves(self) -> Iterator[Row]:
        """Go through the rows of all tables, whether pages lead to them or not.

        No overflow page is taken for a leaf: each begins with the number of a page, which would
        have to be 800 GB away.

        :raises ValueError: many rows lead to the same pages.
        """
        for number in range(1, self.count + 1):
            page, start = self._page(number)
            if page[start] == LEAF:
                yield from self._leaf(page, _cells(page, start)[1])

    def _page(self, number: int) -> tuple[bytes, int]:
        """Read a page, and say where in it its header is."""
        self._count(self._size)
        self._stream.seek((number - 1) * self._size)
        page = self._stream.read(self._size)
        return page, HEADER_BYTES if number == 1 else 0

    def _count(self, read: int) -> None:
        self._left -= read
        if self._left < 0:
            raise ValueError(f'rows share pages: they are over {MAX_READ} times the file')

    def _leaf(self, page: bytes, cells: Sequence[int]) -> Iterator[Row]:
        for place in cells:
            try:
                row = self._row(page, place)
            except (IndexError, struct.error, UnicodeError):  # a page that was not written whole
                return
            if row is not None:
                yield row

    def _row(self, page: bytes, place: int) -> Row | None:
        """Read a row; None where a part of it is missing."""
        length, place = _varint(page, place)
        number, place = _varint(page, place)
        payload = self._payload(page, place, length)
        return None if payload is None else Row(number, tuple(_values(payload)))

    def _payload(self, page: bytes, place: int, length: int) -> bytes | None:
        """Join what lies in the leaf and in its chain of overflow pages."""
        most, least = self._usable - 35, (self._usable - 12) * 32 // 255 - 23
        here = length
        if length > most:
            here = least + (length - least) % (self._usable - 4)
            here = least if here > most else here
        parts = [page[place : place + here]]
        self._count(len(parts[0]))
        left = length - here
        (after,) = NUMBER.unpack_from(page, place + here) if left else (0,)
        while left:
            if not 1 <= after <= self.count:
                return None
            page, _ = self._page(after)
            parts.append(page[4 : min(4 + left, self._usable)])
            left -= len(parts[-1])
            (after,) = NUMBER.unpack_from(page)
        return b''.join(parts)


def _cells(page: bytes, start: int) -> tuple[int, Sequence[int]]:
    """Kind of a page, and where its cells are."""
    kind, count = PAGE_HEADER.unpack_from(page, start)
    header = 12 if kind == INNER else 8
    fitting = min(count, (len(page) - start - header) // 2)
    return kind, struct.unpack_from(f'>{fitting}H', page, start + header)


def _values(payload: bytes) -> Iterator[Value]:
    """Read the values of a row."""
    end, place = _varint(payload, 0)
    start = end
    while place < end:
        kind, place = _varint(payload, place)
        if kind >= 12:
            size = (kind - 12) // 2
        elif kind == 7:
            size = 8
        else:
            size = INTEGER_BYTES.get(kind, 0)
        part = payload[start : start + size]
        if len(part) < size:
            raise IndexError('the row is longer than its page says')
        start += size
        yield _value(kind, part)


def _value(kind: int, part: bytes) -> Value:
    if kind >= 12:
        return str(part, 'utf-8') if kind % 2 else part
    if kind == 7:
        return struct.unpack('>d', part)[0]
    if kind in (8, 9):
        return kind - 8
    return int.from_bytes(part, 'big', signed=True) if part else None


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Read a whole number of one to nine bytes.

    :return: it, and where it ends.
    """
    number = 0
    for _ in range(8):
        byte = data[place]
        place += 1
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            return number, place
    return number << 8 | data[place], place + 1
