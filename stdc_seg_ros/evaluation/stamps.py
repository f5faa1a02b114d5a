"""Stamps of messages: of those that are read, and of those still serialised."""

from __future__ import annotations

import struct
from typing import Any

from stdc_seg_ros.bag.errors import BagError


def message_stamp_ns(message: Any) -> int:
    """Stamp of a message's header, nanoseconds."""
    stamp = message.header.stamp
    return int(stamp.sec) * 10**9 + int(stamp.nanosec)


def raw_stamp_ns(data: bytes) -> int:
    """Stamp of a serialised message that begins with a header, without reading the rest.

    :param data: CDR with its encapsulation header: 4 bytes, then seconds and nanoseconds.
    :raises BagError: it is too short.
    """
    if len(data) < 12:
        raise BagError(f'a message has {len(data)} bytes, expected a header: is the bag whole?')
    order = '<' if data[1] & 1 else '>'
    seconds, nanoseconds = struct.unpack_from(f'{order}iI', data, 4)
    return int(seconds) * 10**9 + int(nanoseconds)
