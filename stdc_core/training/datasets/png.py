"""The numbers that a label PNG stores, as they are stored.

OpenCV (4 and 5) draws a palette PNG in its colours, which loses the ids, and scales greyscale of
less than 8 bits to 0..255. So a palette PNG is handed to it with the colour type changed to
greyscale (both store one number a pixel in the same way: PNG specification, 3rd edition, sections
6.1 and 11.2.1) and the scaling is undone. Only the chunks that hold pixels are handed over:
gamma, colour profile, orientation, transparency and animation mean nothing in labels.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.geometry import Size
from stdc_core.image_file import read_image_file
from stdc_core.image_header import CompressedHeader, find_absurd_size
from stdc_core.training.datasets.problems import DatasetFileError, Problem

SIGNATURE = b'\x89PNG\r\n\x1a\n'
GREYSCALE, PALETTE = 0, 3
COLOR_TYPES = {0: 'greyscale', 2: 'RGB', 3: 'palette', 4: 'greyscale with alpha', 6: 'RGBA'}
LENGTH = struct.Struct('>I')
HEADER = struct.Struct('>IIBBBBB')


class _Header(NamedTuple):
    """The fields of IHDR."""

    width: int
    height: int
    bits: int
    color_type: int
    compression: int
    filter_method: int
    interlace: int


def read_png_ids(path: Path) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Read one number a pixel, of a greyscale or palette PNG of any depth.

    :return: shape (H, W), uint8, or uint16 for a PNG of 16 bits.
    :raises DatasetFileError: it is no whole PNG, one of colours, or one of over 64 megapixels.
    :raises OSError: it cannot be read.
    """
    header, chunks = _read(path)
    if header.color_type not in (GREYSCALE, PALETTE):
        found = f'PNG of colours ({COLOR_TYPES[header.color_type]})'
        fix = 'say `label_kind: colors` in a YAML file that describes the data set'
        raise DatasetFileError(Problem(path, found, 'ids (greyscale or palette)', fix))
    grey = HEADER.pack(*header._replace(color_type=GREYSCALE))
    pixels = _decode(path, [(b'IHDR', grey), *_only(chunks, b'IDAT')], cv2.IMREAD_UNCHANGED)
    if header.bits < 8:
        pixels //= 255 // ((1 << header.bits) - 1)
    return pixels


def read_png_colors(path: Path) -> NDArray[np.uint8]:
    """Read the colours of a PNG of any type, without alpha.

    :return: uint8, RGB, shape (H, W, 3).
    :raises DatasetFileError: it is no whole PNG, has 16 bits a channel or over 64 megapixels.
    :raises OSError: it cannot be read.
    """
    header, chunks = _read(path)
    if header.bits == 16:
        raise DatasetFileError(Problem(path, '16 bits a channel', '8', 'convert it'))
    pixels = _decode(path, _only(chunks, b'IHDR', b'PLTE', b'IDAT'), cv2.IMREAD_COLOR)
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=pixels)  # type: ignore[return-value]


def _read(path: Path) -> tuple[_Header, list[tuple[bytes, bytes]]]:
    data = read_image_file(path)
    if not data.startswith(SIGNATURE):
        fix = 'write labels as PNG, other formats may change their values'
        raise DatasetFileError(Problem(path, 'no PNG', 'PNG', fix))
    try:
        chunks = list(_chunks(data))
        header = _Header(*HEADER.unpack(dict(chunks)[b'IHDR']))
    except (struct.error, ValueError, KeyError) as error:
        raise _not_whole(path) from error
    if header.color_type not in COLOR_TYPES:
        raise _not_whole(path)
    size = CompressedHeader('PNG', Size(header.height, header.width), complete=True)
    if absurd := find_absurd_size(size, len(data)):
        raise DatasetFileError(Problem(path, absurd, 'a picture', 'write it again'))
    return header, chunks


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and content of each chunk up to IEND."""
    position = len(SIGNATURE)
    kind = b''
    while kind != b'IEND':
        (length,) = LENGTH.unpack_from(data, position)
        end = position + 8 + length
        kind = data[position + 4 : position + 8]
        if LENGTH.unpack_from(data, end)[0] != zlib.crc32(data[position + 4 : end]):
            raise ValueError('checksum')
        yield kind, data[position + 8 : end]
        position = end + 4


def _only(chunks: Iterable[tuple[bytes, bytes]], *kinds: bytes) -> list[tuple[bytes, bytes]]:
    return [(kind, content) for kind, content in chunks if kind in kinds]


def _decode(path: Path, chunks: list[tuple[bytes, bytes]], flags: int) -> NDArray[np.uint8]:
    parts = [SIGNATURE]
    for kind, content in (*chunks, (b'IEND', b'')):
        checksum = LENGTH.pack(zlib.crc32(kind + content))
        parts += [LENGTH.pack(len(content)), kind, content, checksum]
    try:
        pixels = cv2.imdecode(np.frombuffer(b''.join(parts), np.uint8), flags)
    except cv2.error as error:
        raise _not_whole(path) from error
    if pixels is None:
        raise _not_whole(path)
    return pixels  # type: ignore[return-value]


def _not_whole(path: Path) -> DatasetFileError:
    return DatasetFileError(
        Problem(path, 'PNG that is cut off or corrupt', 'a whole one', 'copy or write it again')
    )
