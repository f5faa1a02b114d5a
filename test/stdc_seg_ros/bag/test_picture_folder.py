"""A folder of pictures, and the command that makes a bag of it."""

import struct
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from stdc_core.errors import UserError
from stdc_core.labels import CAMVID
from stdc_seg_ros.bag.bag_reader import BagReader
from stdc_seg_ros.bag.bag_writer import COMPRESSED_TOPIC, IMAGE_TOPIC, LABEL_TOPIC
from stdc_seg_ros.bag.errors import BagError
from stdc_seg_ros.bag.picture_folder import PictureFolder
from stdc_seg_ros.image_messages import decode_image

BUILD = 'import sys; from stdc_seg_ros.bag.command_line import build_bag; sys.exit(build_bag())'


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    """Pictures whose value is their number, and labels for two of them."""
    images, labels = tmp_path / 'images', tmp_path / 'labels'
    images.mkdir()
    labels.mkdir()
    for number in (1, 2, 10, 9):
        cv2.imwrite(str(images / f'frame_{number}.png'), np.full((6, 8, 3), number, np.uint8))
    ids = np.arange(48, dtype=np.uint8).reshape(6, 8) % 12
    cv2.imwrite(str(labels / 'frame_2.png'), ids)
    cv2.imwrite(str(labels / 'frame_10.png'), ids[::-1])
    return images, labels


def test_pictures_come_in_the_order_of_their_numbers(folders):
    folder = PictureFolder(*folders, CAMVID)
    assert len(folder) == 4
    pictures = list(folder)
    assert [picture.image[0, 0, 0] for picture in pictures] == [1, 2, 9, 10]
    assert [picture.labels is None for picture in pictures] == [True, False, True, False]
    assert folder.labels_without_picture == 0


def test_ignored_ids_become_255(folders):
    pictures = list(PictureFolder(*folders, CAMVID))
    ids = np.arange(48).reshape(6, 8) % 12
    np.testing.assert_array_equal(pictures[1].labels, np.where(ids == 11, 255, ids))


def test_images_are_rgb_and_upright_and_files_are_not_read_twice(folders):
    images, _ = folders
    picture = np.zeros((6, 8, 3), np.uint8)
    picture[..., 2] = 200
    cv2.imwrite(str(images / 'frame_1.png'), picture)
    first = next(iter(PictureFolder(images, None, CAMVID)))
    assert first.file is None
    np.testing.assert_array_equal(first.image[0, 0], [200, 0, 0])


def test_labels_without_a_picture_are_counted(folders):
    images, labels = folders
    (labels / 'frame_2.png').rename(labels / 'frame_3.png')
    folder = PictureFolder(images, labels, CAMVID)
    assert folder.labels_without_picture == 1
    assert sum(picture.labels is not None for picture in folder) == 1


def test_files_are_kept_as_they_are(folders):
    images, _ = folders
    pictures = list(PictureFolder(images, None, CAMVID, keep_files=True))
    assert pictures[1].file == (images / 'frame_2.png').read_bytes()


def turned_jpeg() -> bytes:
    """Write a JPEG that EXIF turns by 90 degrees."""
    data = cv2.imencode('.jpg', np.zeros((6, 8, 3), np.uint8))[1].tobytes()
    tag = b'MM\0*' + struct.pack('>IHHHIHHI', 8, 1, 0x0112, 3, 1, 6, 0, 0)
    return data[:2] + b'\xff\xe1' + struct.pack('>H', 8 + len(tag)) + b'Exif\0\0' + tag + data[2:]


def test_exif_turns_pixels_but_no_file(folders):
    images, _ = folders
    (images / 'frame_0.jpg').write_bytes(turned_jpeg())
    assert next(iter(PictureFolder(images, None, CAMVID))).image.shape == (8, 6, 3)
    with pytest.raises(BagError, match=r'frame_0\.jpg is turned by its EXIF orientation'):
        next(iter(PictureFolder(images, None, CAMVID, keep_files=True)))


@pytest.mark.parametrize('name', ['frame_0.bmp', 'frame_0.jpg'])
def test_other_formats_are_not_kept_as_they_are(folders, name):
    images, _ = folders
    bmp = cv2.imencode('.bmp', np.zeros((6, 8, 3), np.uint8))[1]
    (images / name).write_bytes(bmp.tobytes())
    assert next(iter(PictureFolder(images, None, CAMVID))).image.shape == (6, 8, 3)
    with pytest.raises(BagError, match=f'{name} is neither JPEG nor PNG'):
        next(iter(PictureFolder(images, None, CAMVID, keep_files=True)))


def spoil(images: Path, labels: Path, fault: str) -> None:
    if fault == 'no pictures':
        for path in images.iterdir():
            path.rename(path.with_suffix('.txt'))
    elif fault == 'no folder':
        labels.rename(labels.with_name('masks'))
    elif fault == 'two of one name':
        (images / 'frame_1.jpg').touch()
    elif fault == 'other names':
        for path in labels.iterdir():
            path.rename(path.with_name(f'mask_{path.name}'))
    elif fault == 'other size':
        cv2.imwrite(str(labels / 'frame_2.png'), np.zeros((6, 9), np.uint8))
    elif fault == 'unknown id':
        cv2.imwrite(str(labels / 'frame_2.png'), np.full((6, 8), 77, np.uint8))
    elif fault == 'cut off':
        (images / 'frame_1.png').write_bytes(b'\x89PNG')


@pytest.mark.parametrize(
    ('fault', 'expected'),
    [
        ('no pictures', r'images has no pictures \(.jpg, '),
        ('no folder', 'there is no folder .*labels'),
        ('two of one name', r'frame_1\.(jpg|png) and .*frame_1\.(jpg|png) have one name'),
        ('other names', "'mask_frame_2' and 'frame_1', expected the same names"),
        ('other size', r'frame_2\.png has 6x9 labels, expected 6x8 .* as .*frame_2\.png has'),
        ('unknown id', r'frame_2\.png: label 77 .*expected 0..11 or 255: name the label set'),
        ('cut off', r'frame_1\.png: no image that OpenCV can read'),
    ],
)
def test_faults_name_the_file_and_what_to_do(folders, fault, expected):
    spoil(*folders, fault)
    with pytest.raises(UserError, match=expected):
        list(PictureFolder(*folders, CAMVID))


def build_bag(*arguments) -> subprocess.CompletedProcess:
    command = [sys.executable, '-c', BUILD, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_build_bag_makes_a_bag(folders, tmp_path):
    images, labels = folders
    options = ('--rate', 20, '--first-stamp', 100, '--storage', 'sqlite3', '--labels', labels)
    result = build_bag(images, '--output', tmp_path / 'made' / 'bag', *options)
    assert result.returncode == 0, result.stderr
    assert 'bag: 4 pictures, 2 with labels' in result.stdout
    with BagReader(tmp_path / 'made' / 'bag') as bag:
        stamps, messages = zip(*bag.read(IMAGE_TOPIC), strict=True)
        assert stamps == tuple(100 * 10**9 + 50_000_000 * index for index in range(4))
        assert [decode_image(message).pixels[0, 0, 0] for message in messages] == [1, 2, 9, 10]
        assert bag.topic(LABEL_TOPIC).message_count == 2


def test_build_bag_takes_files_as_they_are(folders, tmp_path):
    images, _ = folders
    result = build_bag(images, '--output', tmp_path / 'bag', '--encoding', 'compressed')
    assert result.returncode == 0, result.stderr
    with BagReader(tmp_path / 'bag') as bag:
        _, message = next(bag.read(COMPRESSED_TOPIC))
    assert bytes(message.data) == (images / 'frame_1.png').read_bytes()


@pytest.mark.parametrize(
    ('arguments', 'expected'),
    [
        (('--rate', '0'), 'build_bag: rate is 0.0 Hz'),
        (('--label-set', 'mine'), "build_bag: no label set 'mine'"),
    ],
)
def test_errors_of_build_bag_are_one_line(folders, tmp_path, arguments, expected):
    result = build_bag(folders[0], '--output', tmp_path / 'bag', *arguments)
    assert result.returncode == 1
    assert result.stderr.startswith(expected)
    assert result.stderr.count('\n') == 1
    assert not (tmp_path / 'bag').exists()


def test_bags_are_made_and_read_without_ros_and_without_torch():
    code = (
        'import sys, stdc_seg_ros.bag.build_bag, stdc_seg_ros.bag.bag_reader\n'
        'sys.exit(bool({"rclpy", "sensor_msgs", "torch"} & sys.modules.keys()))'
    )
    subprocess.run([sys.executable, '-c', code], check=True)
