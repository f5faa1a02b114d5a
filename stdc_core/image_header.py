"""What the start and the end of a JPEG or PNG say, read without decoding it.

JPEG: ITU T.81, B.1.1 and B.2. PNG: PNG specification, 3rd edition, sections 5.2, 11.2.1, 11.2.4.
"""

from __future__ import annotations

import struct
from typing import Literal, NamedTuple

from stdc_core.geometry import Size

PNG_SIGNATURE = b'\x89PNG\r\n\x1a\n'
PNG_END = b'IEND\xaeB`\x82'
JPEG_START = b'\xff\xd8\xff'
JPEG_END = b'\xff\xd9'
START_OF_SCAN = 0xDA
# SOF0 to SOF15 without DHT (C4), JPG (C8) and DAC (CC), which lie between them.
START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
NO_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})  # TEM, RST0 to RST7
SIZE = struct.Struct('>HH')
PNG_SIZE = struct.Struct('>II')


class CompressedHeader(NamedTuple):
    """What is announced.

    :param size: None where the data ends before it.
    :param complete: the data has an end marker. OpenCV 4 fills what is missing with grey.
    """

    kind: Literal['JPEG', 'PNG']
    size: Size | None
    complete: bool


def read_header(data: bytes) -> CompressedHeader | None:
    """Read what is announced.

    :return: None if it is neither JPEG nor PNG.
    """
    if data.startswith(PNG_SIGNATURE):
        size = None
        if data[12:16] == b'IHDR' and len(data) >= 24:
            width, height = PNG_SIZE.unpack_from(data, 16)
            size = Size(height, width)
        return CompressedHeader('PNG', size, PNG_END in data[-1024:])
    if data.startswith(JPEG_START):
        return _read_jpeg(data)
    return None


def _read_jpeg(data: bytes) -> CompressedHeader:
    """Go from segment to segment up to the first scan."""
    size = None
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        if marker in NO_LENGTH:
            position += 2
            continue
        length = int.from_bytes(data[position + 2 : position + 4], 'big')
        if marker in START_OF_FRAME and position + 9 <= len(data):
            size = Size(*SIZE.unpack_from(data, position + 5))
        position += 2 + length
        if marker == START_OF_SCAN:
            # In a scan FF is followed by 00 or a marker, so this is no pixel's; thumbnails, which
            # have an end of their own, lie before it.
            return CompressedHeader('JPEG', size, data.find(JPEG_END, position) >= 0)
    return CompressedHeader('JPEG', size, complete=False)
