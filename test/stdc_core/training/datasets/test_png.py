import struct
import zlib

import cv2
import numpy as np
import pytest

from stdc_core.labels import CAMVID
from stdc_core.training.datasets.camvid import open_camvid
from stdc_core.training.datasets.png import read_png_colors, read_png_ids
from stdc_core.training.datasets.problems import DatasetError

TEXT = struct.pack('>I', 2) + b'tEXta\0' + struct.pack('>I', zlib.crc32(b'tEXta\0'))
ALPHA = struct.pack('>I', 1) + b'tRNS\0' + struct.pack('>I', zlib.crc32(b'tRNS\0'))


def noise(bits, shape=(5, 11)):
    return np.random.default_rng(bits).integers(0, 1 << bits, shape)


@pytest.mark.parametrize('bits', [1, 2, 4, 8])
def test_ids_of_palette_pngs_are_the_stored_ones_not_the_colours(tmp_path, write_png, bits):
    ids = noise(bits)
    palette = np.random.default_rng(0).integers(0, 256, (1 << bits, 3))
    path = write_png(
        tmp_path / 'a.png', ids, bits=bits, color_type=3, palette=palette, extra=ALPHA + TEXT
    )
    found = read_png_ids(path)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, ids)
    np.testing.assert_array_equal(read_png_colors(path), palette[ids])
    assert cv2.imread(str(path), cv2.IMREAD_UNCHANGED).ndim == 3, 'what this module is for'


@pytest.mark.parametrize('bits', [1, 2, 4, 8, 16])
def test_ids_of_greyscale_pngs_are_not_scaled(tmp_path, write_png, bits):
    ids = noise(bits)
    found = read_png_ids(write_png(tmp_path / 'a.png', ids, bits=bits))
    assert found.dtype == (np.uint16 if bits == 16 else np.uint8)
    np.testing.assert_array_equal(found, ids)


@pytest.mark.parametrize(('color_type', 'channels'), [(2, 3), (6, 4)])
def test_colours_are_rgb_and_alpha_is_dropped(tmp_path, write_png, color_type, channels):
    colors = noise(8, (5, 11, channels))
    path = write_png(tmp_path / 'a.png', colors, color_type=color_type)
    np.testing.assert_array_equal(read_png_colors(path), colors[..., :3])


def test_files_of_other_writers_are_read(tmp_path):
    ids = noise(8, (64, 80)).astype(np.uint8)
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), ids)
    np.testing.assert_array_equal(read_png_ids(path), ids)


@pytest.mark.parametrize(('color_type', 'channels'), [(2, 3), (4, 2), (6, 4)])
def test_ids_from_colours_are_refused(tmp_path, write_png, color_type, channels):
    path = write_png(tmp_path / 'a.png', noise(8, (5, 11, channels)), color_type=color_type)
    with pytest.raises(DatasetError, match=r'a\.png: PNG of colours .*`label_kind: colors`'):
        read_png_ids(path)


def test_colours_of_16_bits_are_refused(tmp_path, write_png):
    path = write_png(tmp_path / 'a.png', noise(16, (2, 3, 3)), bits=16, color_type=2)
    with pytest.raises(DatasetError, match='16 bits a channel, expected 8'):
        read_png_colors(path)


@pytest.mark.parametrize('read', [read_png_ids, read_png_colors])
def test_other_formats_are_refused(tmp_path, read):
    path = tmp_path / 'a.png'
    cv2.imwrite(str(tmp_path / 'a.jpg'), np.zeros((8, 8, 3), np.uint8))
    for content in (b'', b'hello', (tmp_path / 'a.jpg').read_bytes()):
        path.write_bytes(content)
        with pytest.raises(
            DatasetError, match=r'a\.png: no PNG, expected PNG: write labels as PNG'
        ):
            read(path)


@pytest.mark.parametrize('read', [read_png_ids, read_png_colors])
def test_every_cut_and_every_flipped_byte_is_refused_or_changes_nothing(
    tmp_path, write_png, read, capfd
):
    ids = noise(4)
    path = write_png(tmp_path / 'a.png', ids, bits=4, color_type=3, palette=noise(8, (16, 3)))
    whole, expected = path.read_bytes(), read(path)
    changed = [whole[:cut] for cut in range(8, len(whole))]
    for position in range(8, len(whole)):
        changed.append(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
    for content in changed:
        path.write_bytes(content)
        with pytest.raises(DatasetError, match=r'a\.png: PNG that is cut off or corrupt'):
            read(path)
    path.write_bytes(whole + b'more')
    np.testing.assert_array_equal(read(path), expected)
    assert capfd.readouterr() == ('', '')


def test_real_camvid_has_ids_0_to_11_in_the_colours_of_its_palette(real_camvid):
    palette = np.array([*CAMVID.colors, (0, 0, 0)], np.uint8)
    seen = set()
    for pair in open_camvid(real_camvid).split('val').pairs[::10]:
        ids = read_png_ids(pair.label_path)
        seen |= set(np.unique(ids).tolist())
        np.testing.assert_array_equal(palette[ids], read_png_colors(pair.label_path))
    assert seen == set(range(12))
