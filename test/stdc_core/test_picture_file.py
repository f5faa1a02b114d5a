"""Pictures are read whole or not at all, and written whole or not there, with the reason."""

import logging
import resource

import cv2
import numpy as np
import pytest

from stdc_core.command_line.frame_source import open_source
from stdc_core.errors import UserError
from stdc_core.picture_file import read_picture, write_picture

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8)
BASELINE = cv2.imencode('.jpg', PICTURE)[1].tobytes()
PROGRESSIVE = cv2.imencode('.jpg', PICTURE, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()


@pytest.mark.parametrize('data', [BASELINE, PROGRESSIVE], ids=['baseline', 'progressive'])
def test_a_jpeg_without_its_end_is_no_picture(tmp_path, data):
    path = tmp_path / 'a.jpg'
    path.write_bytes(data)
    np.testing.assert_array_equal(read_picture(path), cv2.imread(str(path)))
    for length in (0, 1, 20, len(data) // 2, len(data) - 2, len(data) - 1):
        path.write_bytes(data[:length])
        assert read_picture(path) is None


@pytest.mark.parametrize('padding', [bytes(3000), b'\n', b'\xff' * 16])
def test_what_a_camera_adds_behind_the_end_is_no_fault(tmp_path, padding):
    path = tmp_path / 'a.jpg'
    path.write_bytes(BASELINE + padding)
    expected = cv2.imdecode(np.frombuffer(BASELINE, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(read_picture(path), expected)


def test_other_formats_are_read_too(tmp_path):
    for suffix in ('.png', '.bmp', '.tiff'):
        path = tmp_path / f'a{suffix}'
        write_picture(path, PICTURE)
        np.testing.assert_array_equal(read_picture(path), PICTURE)
    path.write_bytes(b'no picture')
    assert read_picture(path) is None


def test_half_a_jpeg_is_left_out_and_said(tmp_path, caplog):
    (tmp_path / 'a.jpg').write_bytes(BASELINE[: len(BASELINE) // 2])
    (tmp_path / 'b.jpg').write_bytes(BASELINE)
    source = open_source(str(tmp_path))
    with caplog.at_level(logging.ERROR):
        assert [frame.name for frame in source.frames] == ['b']
    assert source.missing == ['a.jpg']
    assert 'a.jpg is no whole picture' in caplog.text


@pytest.mark.parametrize('name', ['a.png', 'a.jpg'])
def test_why_it_cannot_be_written_is_said_and_nothing_stays(tmp_path, name):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError, match=rf'too large.*{name}'):
            write_picture(tmp_path / name, PICTURE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_what_the_format_cannot_hold_is_said(tmp_path):
    with pytest.raises(UserError, match=r'a\.jpg cannot be a picture of shape \(1, 70000\)'):
        write_picture(tmp_path / 'a.jpg', np.zeros((1, 70_000), np.uint8))
    assert not list(tmp_path.iterdir())


def test_options_are_kept(tmp_path):
    for quality in (20, 90):
        write_picture(tmp_path / f'{quality}.jpg', PICTURE, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert (tmp_path / '20.jpg').stat().st_size < (tmp_path / '90.jpg').stat().st_size / 2
