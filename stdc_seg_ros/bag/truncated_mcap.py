"""MCAP files that were cut off: what is whole in them can be read.

An MCAP file (https://mcap.dev/spec) is a row of records, each with its length, and an index at the
end. Where the end is missing, a copy of the whole records with an empty end is a file again.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

MAGIC = b'\x89MCAP0\r\n'
DATA_END, FOOTER = 0x0F, 0x02
END = struct.pack('<BQI', DATA_END, 4, 0) + struct.pack('<BQQQI', FOOTER, 20, 0, 0, 0) + MAGIC
HEAD = struct.Struct('<BQ')  # kind and length of a record
CHUNK_KIND = 0x06
CHUNK = struct.Struct('<QQQII')  # times, size, checksum, length of the compression's name
COPIED = 1 << 20


def is_whole(file: Path) -> bool:
    """Whether the file ends as an MCAP file does."""
    with file.open('rb') as stream:
        stream.seek(0, 2)
        if stream.tell() < len(MAGIC):
            return False
        stream.seek(-len(MAGIC), 2)
        return stream.read() == MAGIC


def copy_whole_records(source: Path, target: Path) -> None:
    """Make a readable file of what is whole; of a cut chunk that is not compressed, too.

    :raises ValueError: it is no MCAP file.
    """
    size = source.stat().st_size
    with source.open('rb') as stream, target.open('wb') as copy:
        if stream.read(len(MAGIC)) != MAGIC:
            raise ValueError(f'{source} does not begin as an MCAP file does')
        end = _whole_records_end(stream, len(MAGIC), size)
        _copy(stream, copy, 0, end)
        if (inner := _cut_chunk_records(stream, end)) is not None:
            _copy(stream, copy, inner, _whole_records_end(stream, inner, size))
        copy.write(END)


def _whole_records_end(stream: BinaryIO, start: int, size: int) -> int:
    """Where the last whole record of the data ends, in a row of records that begins there."""
    end = start
    stream.seek(start)
    while len(head := stream.read(HEAD.size)) == HEAD.size:
        kind, length = HEAD.unpack(head)
        if kind in (DATA_END, FOOTER) or stream.tell() + length > size:
            break
        end = stream.seek(length, 1)
    return end


def _cut_chunk_records(stream: BinaryIO, start: int) -> int | None:
    """Where the records of a chunk begin; None where there is none that can be read."""
    stream.seek(start)
    head = stream.read(HEAD.size + CHUNK.size)
    if len(head) < HEAD.size + CHUNK.size or head[0] != CHUNK_KIND:
        return None
    _, _, _, _, compression_length = CHUNK.unpack_from(head, HEAD.size)
    return None if compression_length else start + len(head) + 8  # after the records' length


def _copy(stream: BinaryIO, copy: BinaryIO, start: int, end: int) -> None:
    stream.seek(start)
    while start < end and (part := stream.read(min(end - start, COPIED))):
        copy.write(part)
        start += len(part)
