"""Limits to what a small bag can become; rosbags (0.11) has none, so they are put into it.

Zstandard makes gigabytes of a few kilobytes. A chunk or a message may be as large as the largest
picture; a file that is unpacked to the disk leaves some of it free. YAML makes as much of anchors,
which no recorder writes into the QoS of a topic.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any, BinaryIO

import lz4.frame

from stdc_seg_ros.bag.errors import INSTALL_HINT, BagError

try:
    from rosbags.rosbag2 import reader, storage_mcap, storage_sqlite3
    from rosbags.rosbag2.metadata import parse_qos
except ImportError as error:
    raise BagError(INSTALL_HINT) from error

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_UNPACKED = 1 << 30  # bytes of a chunk or message; 64 megapixels of rgba16 have half of that
DISK_RESERVE = 1 << 30  # bytes that stay free
COPIED = 1 << 22


def limit_unpacking() -> None:
    """Let rosbags unpack by the functions below.

    :raises BagError: this release of rosbags is built otherwise.
    """
    known = {'', 'lz4', 'zstd'}
    own = [hasattr(module, 'parse_qos') for module in (reader, storage_mcap, storage_sqlite3)]
    if {*getattr(storage_mcap, 'DECOMPRESSORS', ())} != known or not all(own):
        raise BagError(
            'this release of rosbags reads compressed bags without a limit that can be set: '
            "pip install 'rosbags>=0.11,<0.12'"
        )
    storage_mcap.DECOMPRESSORS['zstd'] = lambda data, size: unpack_zstd(data, _checked(size))
    storage_mcap.DECOMPRESSORS['lz4'] = lambda data, size: _unpack_lz4(data, _checked(size))
    for module in (reader, storage_mcap, storage_sqlite3):
        vars(module)['parse_qos'] = _parse_qos
    vars(reader).update(zstd=_LimitedZstd, shutil=_LimitedCopy)


def _parse_qos(profiles: Any) -> Any:
    if isinstance(profiles, str) and '&' in profiles:
        raise ValueError('the QoS of a topic has YAML anchors')
    return parse_qos(profiles)


class _LimitedZstd:
    """What rosbags uses of the module: of single messages, and of whole files."""

    open = zstd.open

    @staticmethod
    def decompress(data: bytes) -> bytes:
        return unpack_zstd(data, MAX_UNPACKED)


class _LimitedCopy:
    """What rosbags uses of ``shutil``."""

    @staticmethod
    def copyfileobj(packed: BinaryIO, target: Any) -> None:
        folder = Path(target.name).parent
        while part := packed.read(COPIED):
            if shutil.disk_usage(folder).free < DISK_RESERVE + len(part):
                raise ValueError(
                    f'unpacked it fills {folder} ({target.tell():,} bytes so far): set TMPDIR to '
                    'a larger disk'
                )
            target.write(part)


def unpack_zstd(data: bytes, at_most: int) -> bytes:
    """Unpack frames of zstd.

    :raises ValueError: it is more than that, or cut off.
    """
    parts: list[bytes] = []
    left = at_most
    while data:
        unpacker = zstd.ZstdDecompressor()
        parts.append(unpacker.decompress(data, max_length=left + 1))
        left -= len(parts[-1])
        _check_end(left, unpacker.eof, at_most)
        data = unpacker.unused_data
    return b''.join(parts)


def _unpack_lz4(data: bytes, at_most: int) -> bytes:
    unpacker = lz4.frame.LZ4FrameDecompressor()
    unpacked: bytes = unpacker.decompress(data, max_length=at_most + 1)
    _check_end(at_most - len(unpacked), unpacker.eof, at_most)
    return unpacked


def _check_end(left: int, ended: bool, at_most: int) -> None:
    if left < 0:
        raise ValueError(f'it unpacks to more than {at_most:,} bytes')
    if not ended:
        raise ValueError('compressed data is cut off')


def _checked(size: int) -> int:
    if size > MAX_UNPACKED:
        raise ValueError(f'a chunk of {size:,} bytes, expected at most {MAX_UNPACKED:,}')
    return size
