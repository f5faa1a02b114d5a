"""Bags that were cut off: what is whole in them is read, and it is said."""

import pytest

from stdc_seg_ros.bag.bag_reader import BagReader
from stdc_seg_ros.bag.bag_writer import IMAGE_TOPIC, write_bag
from stdc_seg_ros.bag.errors import BagError


def cut(path, share):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def read(path, **options):
    with BagReader(path, **options) as reader:
        found = [message.message.data for message in reader.read(IMAGE_TOPIC)]
        return found, reader.damage


@pytest.fixture
def big_drive(drive):
    """Two megabytes of images, so that a file has several parts."""
    return [image._replace(image=image.image.repeat(8, 0).repeat(8, 1)[:240]) for image in drive]


@pytest.mark.parametrize('folder', [True, False])
def test_the_whole_messages_of_a_cut_file_are_read(tmp_path, big_drive, folder):
    frames = [image._replace(labels=None) for image in big_drive]
    path = write_bag(tmp_path / 'bag', frames).path
    whole, damage = read(path)
    assert damage is None
    file = path / 'bag.mcap'
    cut(file, 0.7)
    target = path if folder else file
    with pytest.raises(BagError, match='cannot be read, is it whole'):
        read(target)
    found, damage = read(target, salvage=True)
    assert 0 < len(found) < len(whole)
    for one, other in zip(found, whole, strict=False):
        assert one.tobytes() == other.tobytes()
    assert damage


def test_of_nothing_nothing_is_salvaged(tmp_path, drive):
    path = write_bag(tmp_path / 'bag', drive[:1]).path
    for share in (0.001, 0):
        cut(path / 'bag.mcap', share)
        with pytest.raises(BagError, match='cannot be read, is it whole'):
            read(path, salvage=True)
