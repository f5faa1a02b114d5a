"""Bags that were cut off: what is whole in them is read, and it is said."""

import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from stdc_seg_ros.bag.bag_reader import BagReader
from stdc_seg_ros.bag.bag_writer import IMAGE_TOPIC, BagConfig, write_bag
from stdc_seg_ros.bag.errors import BagError
from stdc_seg_ros.bag.salvage import is_bag


def cut(path, share):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def read(path, **options):
    with BagReader(path, **options) as reader:
        found = [message.data for message in reader.read_raw([IMAGE_TOPIC])]
        return found, reader.damage


@pytest.fixture
def big_drive(drive):
    """Two megabytes of images, so that a file has several parts."""
    return [
        frame._replace(image=frame.image.repeat(8, 0).repeat(8, 1)[:240], labels=None)
        for frame in drive
    ]


@pytest.fixture
def make_bag(tmp_path, big_drive):
    def make(storage='sqlite3', frames=slice(None), name='bag', first_s=1):
        config = BagConfig(storage=storage, first_stamp_ns=first_s * 10**9)
        return write_bag(tmp_path / name, big_drive[frames], config).path

    return make


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
@pytest.mark.parametrize('folder', [True, False])
def test_the_whole_messages_of_a_cut_file_are_read(make_bag, storage, folder):
    path = make_bag(storage)
    whole, damage = read(path)
    assert damage is None
    [file] = path.glob('bag.*')
    cut(file, 0.7)
    target = path if folder else file
    with pytest.raises(BagError, match='cannot be read, is it whole'):
        read(target)
    found, damage = read(target, salvage=True)
    assert 4 <= len(found) < len(whole)
    assert found == whole[: len(found)]
    assert damage


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_wherever_it_is_cut_no_message_is_half(make_bag, storage):
    path = make_bag(storage)
    whole, _ = read(path)
    [file] = path.glob('bag.*')
    data = file.read_bytes()
    counts = []
    for place in np.linspace(0.02, 0.999, 25):
        file.write_bytes(data[: int(len(data) * place)])
        try:
            found, _ = read(file, salvage=True)
        except BagError:  # not even the topic is there
            found = []
        assert found == whole[: len(found)]
        counts.append(len(found))
    assert counts == sorted(counts)
    assert counts[-1] >= 6
    assert set(counts) >= {3, 4, 5}


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_of_nothing_nothing_is_salvaged(make_bag, storage):
    path = make_bag(storage, slice(1))
    [file] = path.glob('bag.*')
    for share in (0.0001, 0):
        cut(file, share)
        with pytest.raises(BagError, match='cannot be read, is it whole') as error:
            read(path, salvage=True)
        assert str(path) in str(error.value)


def test_rows_are_found_without_the_pages_that_lead_to_them(make_bag, tmp_path):
    """Small pages, so that few messages make a tree of three levels."""
    with closing(sqlite3.connect(make_bag() / 'bag.db3')) as bag:
        made = [sql for (sql,) in bag.execute('SELECT sql FROM sqlite_master WHERE sql NOT NULL')]
        [topic] = bag.execute('SELECT * FROM topics WHERE name = ?', (IMAGE_TOPIC,))
    rng = np.random.default_rng(0)
    messages = [rng.bytes(int(length)) for length in rng.integers(0, 3000, 300)]
    file = tmp_path / 'many.db3'
    with closing(sqlite3.connect(file)) as bag:
        bag.execute('PRAGMA page_size = 512')
        for sql in made:
            bag.execute(sql)
        bag.execute(f'INSERT INTO topics VALUES ({", ".join("?" * len(topic))})', topic)
        for time, data in enumerate(messages):
            row = (topic[0], time, data)
            bag.execute('INSERT INTO messages (topic_id, timestamp, data) VALUES (?, ?, ?)', row)
        bag.commit()
    whole = file.read_bytes()
    written = np.cumsum([len(data) for data in messages]) / sum(map(len, messages))
    for share in (0.2, 0.35, 0.5, 0.65, 0.8, 0.95):
        file.write_bytes(whole[: int(len(whole) * share)])
        found, _ = read(file, salvage=True)
        assert found == messages[: len(found)]
        assert len(found) > 0.9 * np.searchsorted(written, share)


@pytest.fixture
def bag_with_log(make_bag, tmp_path):
    """Make a bag whose recorder was killed while the last of seven images was in its log."""
    path = make_bag()
    target = tmp_path / 'killed'
    with closing(sqlite3.connect(path / 'bag.db3')) as database:
        last = '(SELECT max(id) FROM messages WHERE topic_id = 1)'
        [row] = database.execute(f'SELECT * FROM messages WHERE id = {last}')
        database.execute(f'DELETE FROM messages WHERE id = {last}')
        database.commit()
        database.execute('PRAGMA journal_mode = WAL')
        database.execute('INSERT INTO messages VALUES (?, ?, ?, ?)', row)
        database.commit()
        shutil.copytree(path, target)  # as the kernel has it, without what is done at the end
    return target


def test_messages_in_the_log_of_a_killed_recorder_are_read(bag_with_log):
    expected = 'bag.db3-wal has messages that are not in the bag.* merge them by sqlite3 bag.db3'
    with pytest.raises(BagError, match=expected):
        read(bag_with_log)
    found, damage = read(bag_with_log, salvage=True)
    assert len(found) == 7
    assert 'bag.db3-wal has messages' in damage
    assert (bag_with_log / 'bag.db3-wal').stat().st_size  # the bag itself stays as it was


def test_beside_a_cut_file_the_log_does_not_count(bag_with_log):
    cut(bag_with_log / 'bag.db3', 0.7)
    found, damage = read(bag_with_log, salvage=True)
    assert 4 <= len(found) < 7
    assert damage


def test_a_damaged_log_is_no_full_disk(bag_with_log):
    """Pages of zeros under a right checksum, as another program's log would bring."""
    log = bag_with_log / 'bag.db3-wal'
    with closing(sqlite3.connect(bag_with_log / 'other.db3')) as other:
        other.execute('PRAGMA journal_mode = WAL')
        other.execute('CREATE TABLE other (number INTEGER)')
        other.commit()
        log.write_bytes((bag_with_log / 'other.db3-wal').read_bytes())
    (bag_with_log / 'other.db3').unlink()
    found, damage = read(bag_with_log, salvage=True)
    assert len(found) == 6
    assert 'bag.db3-wal has messages' in damage


@pytest.mark.parametrize('log', ['-wal', '-journal'])
def test_a_damaged_file_beside_a_log_is_no_full_disk(make_bag, log):
    path = make_bag()
    with (path / 'bag.db3').open('r+b') as file:
        file.seek(44)  # version of the schema's format, at most 4
        file.write(bytes([0, 0, 0, 9]))
    (path / f'bag.db3{log}').write_bytes(b'cut off')
    found, damage = read(path, salvage=True)
    assert len(found) == 7
    assert f'bag.db3{log} has messages' in damage


@pytest.fixture(params=['mcap', 'sqlite3'])
def split_bag(make_bag, request):
    """Make a bag of two files without the metadata that a recorder writes at its end."""
    path = make_bag(request.param, slice(2), 'drive')
    [second] = make_bag(request.param, slice(2, None), 'rest', first_s=2).glob('rest.*')
    [first] = path.glob('drive.*')
    first.rename(path / f'drive_9{first.suffix}')
    second.rename(path / f'drive_10{second.suffix}')
    (path / 'metadata.yaml').rename(path / 'was')
    return path


@pytest.mark.parametrize('metadata', [None, '', 'was'])
def test_without_metadata_the_files_are_read_in_their_order(split_bag, metadata, big_drive):
    if metadata is not None:  # of a full disk, or of a file that was not copied
        text = (split_bag / 'was').read_text() if metadata else ''
        (split_bag / 'metadata.yaml').write_text(text)
    assert is_bag(split_bag)
    expected = 'cannot be read' if metadata is not None else 'has no metadata.yaml, expected'
    with pytest.raises(BagError, match=expected):
        read(split_bag)
    with BagReader(split_bag, salvage=True) as reader:
        images = [found.message.data for found in reader.read(IMAGE_TOPIC)]
        assert reader.topic(IMAGE_TOPIC).message_count == 7
        assert reader.message_count == 7 + 7
        assert reader.duration_s == pytest.approx(1 + 4 / 15, abs=1e-6)
        assert 'metadata' in reader.damage or 'missing' in reader.damage
    for found, frame in zip(images, big_drive, strict=True):
        np.testing.assert_array_equal(found, frame.image.ravel())


def test_without_metadata_the_last_file_may_be_cut_too(split_bag):
    [last] = split_bag.glob('drive_10.*')
    cut(last, 0.9)
    found, _ = read(split_bag, salvage=True)
    assert len(found) == 6
    cut(last, 0)
    found, _ = read(split_bag, salvage=True)
    assert len(found) == 2
