"""Image files: bombs are refused before decoding, half ones too; written whole or not there."""

import logging
import os
import resource
import struct
import zlib

import cv2
import numpy as np
import pytest

from stdc_core.command_line.frame_source import open_source
from stdc_core.errors import UserError
from stdc_core.image_file import (
    ImageFileError,
    decode_image_file,
    read_image_file,
    write_image_file,
)
from stdc_core.labels import CAMVID
from stdc_core.training.datasets.dataset import read_image
from stdc_core.training.datasets.png import read_png_colors, read_png_ids
from stdc_core.training.datasets.problems import DatasetFileError
from stdc_seg_ros.bag.errors import BagError
from stdc_seg_ros.evaluation.label_images import LabelImages


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack('>I', zlib.crc32(kind + content))
    return struct.pack('>I', len(content)) + kind + content + checksum


def png_of(height: int, width: int, color_type: int = 0) -> bytes:
    header = struct.pack('>IIBBBBB', width, height, 8, color_type, 0, 0, 0)
    pixels = zlib.compress(bytes(10_000))
    parts = ((b'IHDR', header), (b'IDAT', pixels), (b'IEND', b''))
    return b'\x89PNG\r\n\x1a\n' + b''.join(chunk(*part) for part in parts)


def jpeg_of(height: int, width: int) -> bytes:
    jpeg = cv2.imencode('.jpg', np.zeros((8, 8), np.uint8))[1].tobytes()
    frame = jpeg.index(b'\xff\xc0')
    return jpeg[: frame + 5] + struct.pack('>HH', height, width) + jpeg[frame + 9 :]


PICTURE = np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8)
BASELINE = cv2.imencode('.jpg', PICTURE)[1].tobytes()
PROGRESSIVE = cv2.imencode('.jpg', PICTURE, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
BOMBS = {'png': png_of(60_000, 60_000), 'jpg': jpeg_of(60_000, 60_000)}
HUGE = 'announces 60000x60000 pixels .height x width., expected at most 64 megapixels'


@pytest.fixture(params=BOMBS)
def bomb(request, tmp_path, monkeypatch):
    path = tmp_path / f'bomb.{request.param}'
    path.write_bytes(BOMBS[request.param])
    monkeypatch.setattr(cv2, 'imdecode', lambda *_: pytest.fail('decoded'))
    monkeypatch.setattr(cv2, 'imread', lambda *_: pytest.fail('decoded'))
    return path


def test_a_bomb_is_no_image_for_anybody(bomb, caplog):
    with pytest.raises(ImageFileError, match=HUGE):
        decode_image_file(bomb.read_bytes(), cv2.IMREAD_COLOR)
    with pytest.raises(DatasetFileError) as error:
        read_image(bomb)
    assert 'expected at most 64 megapixels' in str(error.value.problem)
    source = open_source(str(bomb))
    assert not list(source.frames)
    assert source.missing == [bomb.name]
    assert 'at most 64 megapixels: left out' in caplog.text


@pytest.mark.parametrize('read', [read_png_ids, read_png_colors])
def test_label_files_of_data_sets_are_no_bombs(tmp_path, monkeypatch, read):
    path = tmp_path / 'labels.png'
    path.write_bytes(png_of(60_000, 60_000))
    monkeypatch.setattr(cv2, 'imdecode', lambda *_: pytest.fail('decoded'))
    with pytest.raises(DatasetFileError) as error:
        read(path)
    assert 'expected at most 64 megapixels' in str(error.value.problem)


def test_label_messages_of_bags_are_no_bombs(monkeypatch):
    images = LabelImages(CAMVID)
    monkeypatch.setattr(cv2, 'imdecode', lambda *_: pytest.fail('decoded'))
    with pytest.raises(BagError, match=f'it: labels: {HUGE}'):
        images.of_file(png_of(60_000, 60_000), 'it')


def test_more_pixels_than_the_bytes_can_hold_are_refused():
    with pytest.raises(ImageFileError, match='that cannot be: expected a whole PNG'):
        decode_image_file(png_of(7000, 8000), cv2.IMREAD_COLOR)


def test_formats_without_a_limit_of_ours_have_opencvs():
    bmp = bytearray(cv2.imencode('.bmp', np.zeros((8, 8, 3), np.uint8))[1].tobytes())
    bmp[18:26] = struct.pack('<ii', 60_000, 60_000)
    with pytest.raises(ImageFileError, match=r'OpenCV refuses it|no image'):
        decode_image_file(bytes(bmp), cv2.IMREAD_COLOR)


def test_pipes_among_the_pictures_do_not_block(tmp_path, caplog):
    os.mkfifo(tmp_path / 'a.png')
    cv2.imwrite(str(tmp_path / 'b.png'), np.zeros((4, 4, 3), np.uint8))
    source = open_source(str(tmp_path))
    assert [frame.name for frame in source.frames] == ['b']
    assert source.missing == ['a.png']
    assert 'no regular file: left out' in caplog.text
    for read in (read_image, read_png_ids):
        with pytest.raises(OSError, match='no regular file'):
            read(tmp_path / 'a.png')


def read(path):
    return decode_image_file(read_image_file(path), cv2.IMREAD_COLOR)


@pytest.mark.parametrize('data', [BASELINE, PROGRESSIVE], ids=['baseline', 'progressive'])
def test_a_jpeg_without_its_end_is_no_picture(tmp_path, data):
    path = tmp_path / 'a.jpg'
    path.write_bytes(data)
    np.testing.assert_array_equal(read(path), cv2.imread(str(path)))
    for length in (0, 1, 20, len(data) // 2, len(data) - 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(ImageFileError, match=r'no image|it is cut off'):
            read(path)


@pytest.mark.parametrize('padding', [bytes(3000), b'\n', b'\xff' * 16])
def test_what_a_camera_adds_behind_the_end_is_no_fault(tmp_path, padding):
    path = tmp_path / 'a.jpg'
    path.write_bytes(BASELINE + padding)
    expected = cv2.imdecode(np.frombuffer(BASELINE, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(read(path), expected)


def test_other_formats_are_read_too(tmp_path):
    for suffix in ('.png', '.bmp', '.tiff'):
        path = tmp_path / f'a{suffix}'
        write_image_file(path, PICTURE)
        np.testing.assert_array_equal(read(path), PICTURE)
    path.write_bytes(b'no picture')
    with pytest.raises(ImageFileError, match='no image that OpenCV can read'):
        read(path)


def test_half_a_jpeg_is_left_out_and_said(tmp_path, caplog):
    (tmp_path / 'a.jpg').write_bytes(BASELINE[: len(BASELINE) // 2])
    (tmp_path / 'b.jpg').write_bytes(BASELINE)
    source = open_source(str(tmp_path))
    with caplog.at_level(logging.ERROR):
        assert [frame.name for frame in source.frames] == ['b']
    assert source.missing == ['a.jpg']
    assert 'a.jpg: it is cut off: left out' in caplog.text


@pytest.mark.parametrize('name', ['a.png', 'a.jpg'])
def test_why_it_cannot_be_written_is_said_and_nothing_stays(tmp_path, name):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError, match=rf'too large.*{name}'):
            write_image_file(tmp_path / name, PICTURE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_what_the_format_cannot_hold_is_said(tmp_path):
    with pytest.raises(UserError, match=r'a\.jpg cannot be an image of shape \(1, 70000\)'):
        write_image_file(tmp_path / 'a.jpg', np.zeros((1, 70_000), np.uint8))
    assert not list(tmp_path.iterdir())


def test_options_are_kept(tmp_path):
    for quality in (20, 90):
        write_image_file(tmp_path / f'{quality}.jpg', PICTURE, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert (tmp_path / '20.jpg').stat().st_size < (tmp_path / '90.jpg').stat().st_size / 2
