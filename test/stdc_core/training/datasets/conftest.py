"""Small data sets, and PNGs written byte by byte, so that OpenCV is not tested by itself."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', checksum)


@pytest.fixture
def write_png():
    """Write values, (H, W) or (H, W, channels), as they are, in any PNG type."""

    def write(path: Path, values, *, bits=8, color_type=0, palette=None, extra=b'') -> Path:
        values = np.asarray(values)
        height, width = values.shape[:2]
        samples = values.reshape(height, -1)
        if bits == 16:
            rows = samples.astype('>u2').view(np.uint8)
        elif bits == 8:
            rows = samples.astype(np.uint8)
        else:
            single_bits = samples[..., None] >> np.arange(bits - 1, -1, -1) & 1
            rows = np.packbits(single_bits.reshape(height, -1).astype(np.uint8), axis=1)
        pixels = b''.join(b'\0' + row.tobytes() for row in rows)
        header = struct.pack('>IIBBBBB', width, height, bits, color_type, 0, 0, 0)
        colors = b'' if palette is None else chunk(b'PLTE', bytes(np.ravel(palette).tolist()))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(
            b'\x89PNG\r\n\x1a\n'
            + chunk(b'IHDR', header)
            + colors
            + extra
            + chunk(b'IDAT', zlib.compress(pixels))
            + chunk(b'IEND', b'')
        )
        return path

    return write


@pytest.fixture
def write_pair(write_png):
    """Write an image of noise and the labels given for it."""
    rng = np.random.default_rng(0)

    def write(image: Path, label: Path, labels) -> np.ndarray:
        labels = np.asarray(labels, np.uint8)
        pixels = rng.integers(0, 256, (*labels.shape[:2], 3), dtype=np.uint8)
        image.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(image), pixels[..., ::-1])
        write_png(label, labels, color_type=0 if labels.ndim == 2 else 2)
        return pixels

    return write


@pytest.fixture
def camvid(tmp_path, write_pair) -> Path:
    """Three training pairs from two drives, two for validation; every class, and ignored."""
    root = tmp_path / 'camvid'
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    for split, names in {
        'train': ('0001TP_000030', '0016E5_000060', '0016E5_000090'),
        'val': ('0016E5_08001', '0016E5_08003'),
    }.items():
        for name in names:
            write_pair(
                root / split / f'images/{name}.png', root / split / f'labels/{name}.png', labels
            )
    return root
