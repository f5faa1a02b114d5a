"""Bags made to do harm: no memory, no disk, no file beyond what they are."""

import os
import shutil
import sqlite3
import stat
import struct
import tempfile
import tracemalloc
from collections import namedtuple
from contextlib import closing
from pathlib import Path

import lz4.frame
import pytest
from rosbags.rosbag2 import reader as rosbags_reader

from stdc_seg_ros.bag import unpacking
from stdc_seg_ros.bag.bag_reader import BagReader
from stdc_seg_ros.bag.bag_writer import IMAGE_TOPIC, BagConfig, write_bag
from stdc_seg_ros.bag.errors import BagError
from stdc_seg_ros.bag.truncated_mcap import END, MAGIC
from stdc_seg_ros.bag.unpacking import unpack_zstd, zstd

MEGABYTE = 1 << 20


def text(value: str) -> bytes:
    return struct.pack('<I', len(value)) + value.encode()


def record(kind: int, content: bytes) -> bytes:
    return struct.pack('<BQ', kind, len(content)) + content


def channel(qos: str = '') -> bytes:
    metadata = text('offered_qos_profiles') + text(qos)
    schema = struct.pack('<H', 1) + text('std_msgs/msg/Empty') + text('ros2msg') + text('')
    return record(3, schema) + record(
        4, struct.pack('<HH', 1, 1) + text('/t') + text('cdr') + text('')[:0]
        + struct.pack('<I', len(metadata)) + metadata,
    )  # fmt: skip


def chunk(compression: str, packed: bytes, announced: int) -> bytes:
    head = struct.pack('<QQQI', 0, 1, announced, 0) + text(compression)
    return record(6, head + struct.pack('<Q', len(packed)) + packed)


def mcap(path: Path, *records: bytes) -> Path:
    path.write_bytes(MAGIC + record(1, text('ros2') + text('')) + b''.join(records) + END)
    return path


def refuse(path: Path, message: str, **options) -> None:
    """Expect a bag error in one line, and less memory than a picture."""
    tracemalloc.start()
    try:
        with pytest.raises(BagError, match=message) as error, BagReader(path, **options) as bag:
            for _ in bag.read_raw(list(bag.topics)):
                pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert '\n' not in str(error.value)
    assert peak < 24 * MEGABYTE


@pytest.mark.parametrize('name', ['bag.mcap', 'bag.db3', 'metadata.yaml'])
@pytest.mark.parametrize('salvage', [False, True])
def test_a_pipe_in_a_bag_does_not_block(tmp_path, name, salvage):
    (tmp_path / 'bag').mkdir()
    os.mkfifo(tmp_path / 'bag' / name)
    for path in (tmp_path / 'bag', tmp_path / 'bag' / name):
        refuse(path, f'{name} is a pipe or a device', salvage=salvage)


ZEROS = bytes(256 * MEGABYTE)
BOMBS = {'zstd': zstd.compress, 'lz4': lz4.frame.compress}


@pytest.mark.parametrize('compression', BOMBS)
@pytest.mark.parametrize('salvage', [False, True])
def test_a_chunk_that_yields_more_than_it_announces(tmp_path, compression, salvage):
    packed = BOMBS[compression](ZEROS)
    assert len(packed) < 2 * MEGABYTE
    path = mcap(tmp_path / 'bomb.mcap', channel(), chunk(compression, packed, MEGABYTE))
    refuse(path, 'unpacks to more than 1,048,576 bytes', salvage=salvage)


@pytest.mark.parametrize('compression', BOMBS)
def test_a_chunk_that_announces_more_than_a_gigabyte(tmp_path, compression):
    packed = BOMBS[compression](bytes(MEGABYTE))
    path = mcap(tmp_path / 'bomb.mcap', channel(), chunk(compression, packed, (1 << 30) + 1))
    refuse(path, 'a chunk of 1,073,741,825 bytes, expected at most')


def test_records_that_announce_more_than_the_file_has(tmp_path):
    for length in (1 << 24, 1 << 62, (1 << 64) - 1):
        path = mcap(tmp_path / 'long.mcap', channel(), struct.pack('<BQ', 5, length) + bytes(40))
        refuse(path, 'cannot be read, is it whole')


def test_frames_behind_each_other_are_one_limit(tmp_path):
    packed = zstd.compress(bytes(1000))
    assert unpack_zstd(packed * 3, 3000) == bytes(3000)
    with pytest.raises(ValueError, match='more than 2,999 bytes'):
        unpack_zstd(packed * 3, 2999)
    with pytest.raises(ValueError, match='is cut off'):
        unpack_zstd(packed[:-2], 3000)


@pytest.fixture
def packed_bag(tmp_path, drive, request):
    """Make a bag compressed by message or by file."""
    from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore

    target = tmp_path / 'packed'
    writer = Writer(target, version=9, storage_plugin=StoragePlugin.SQLITE3)
    writer.set_compression(CompressionMode[request.param], CompressionFormat.ZSTD)
    with writer:
        connection = writer.add_connection(
            '/t', 'std_msgs/msg/Empty', typestore=get_typestore(Stores.LATEST)
        )
        writer.write(connection, 1, bytes(20 * MEGABYTE))
    return target


@pytest.mark.parametrize('packed_bag', ['MESSAGE'], indirect=True)
def test_a_message_that_is_a_bomb(packed_bag, monkeypatch):
    monkeypatch.setattr(unpacking, 'MAX_UNPACKED', 2 * MEGABYTE)
    refuse(packed_bag, 'unpacks to more than 2,097,152 bytes')


@pytest.mark.parametrize('packed_bag', ['FILE'], indirect=True)
def test_a_file_that_would_fill_the_disk(packed_bag, monkeypatch, tmp_path):
    with BagReader(packed_bag) as bag:
        assert bag.message_count == 1
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path / 'temporary'))
    (tmp_path / 'temporary').mkdir()
    usage = namedtuple('usage', 'total used free')(0, 0, unpacking.DISK_RESERVE + MEGABYTE)
    monkeypatch.setattr(shutil, 'disk_usage', lambda folder: usage)
    refuse(packed_bag, 'unpacked it fills .*temporary.*: set TMPDIR to a larger disk')
    assert not list((tmp_path / 'temporary').iterdir())


YAML_BOMB = 'a0: &a0 {x: 1}\n' + ''.join(
    f'a{level}: &a{level} {{<<: [{", ".join([f"*a{level - 1}"] * 10)}]}}\n'
    for level in range(1, 10)
)


def test_metadata_that_is_a_yaml_bomb(tmp_path, drive):
    path = write_bag(tmp_path / 'bag', drive[:1], BagConfig()).path
    (path / 'metadata.yaml').write_text(YAML_BOMB)
    refuse(path, 'more than 500,000 entries with its aliases')
    with BagReader(path, salvage=True) as bag:  # the files can be read without it
        assert bag.topic(IMAGE_TOPIC).message_count == 1


def test_qos_that_is_a_yaml_bomb(tmp_path):
    refuse(mcap(tmp_path / 'bomb.mcap', channel(YAML_BOMB)), 'QoS of a topic has YAML anchors')


def test_rosbags_asks_for_the_limits():
    """They are put into it: a release that is built otherwise must be noticed."""
    assert rosbags_reader.zstd.decompress(zstd.compress(b'a')) == b'a'
    assert rosbags_reader.shutil is not shutil


def cut_bag(path: Path, *statements: str) -> Path:
    """Make an SQLite file with these statements where the SQL of its tables should be."""
    with closing(sqlite3.connect(path)) as database:
        database.execute('PRAGMA writable_schema = ON')
        for number in range(len(statements)):
            database.execute(f'CREATE TABLE t{number} (a)')
        for number, statement in enumerate(statements):
            database.execute(
                'UPDATE sqlite_master SET sql = ? WHERE name = ?', (statement, f't{number}')
            )
        database.commit()
    path.write_bytes(path.read_bytes()[:-1])  # a page is missing: it is read without SQLite
    return path


@pytest.mark.parametrize(
    'statement',
    [
        "ATTACH DATABASE '{victim}' AS other",
        "VACUUM INTO '{victim}'",
        'CREATE TABLE x AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) '
        'SELECT i FROM n',
        'CREATE TABLE x (a DEFAULT (zeroblob(1000000000)))',
        'CREATE VIRTUAL TABLE x USING fts5(a)',
        'CREATE TRIGGER x AFTER INSERT ON t1 BEGIN DELETE FROM t1; END',
        "PRAGMA temp_store_directory = '/'",
        'no SQL at all',
    ],
)
def test_sql_in_a_damaged_bag_is_not_run(tmp_path, statement):
    victim = tmp_path / 'victim'
    statement = statement.format(victim=victim)
    path = cut_bag(tmp_path / 'cut.db3', statement, 'CREATE TABLE t1 (a)')
    refuse(path, 'cannot be read, is it whole', salvage=True)
    assert not victim.exists()


def test_a_journal_never_deletes_a_file(tmp_path, drive):
    """SQLite deletes the super-journal that a journal names, whatever it is."""
    path = write_bag(tmp_path / 'bag', drive[:2], BagConfig(storage='sqlite3')).path
    [file] = path.glob('*.db3')
    victim = tmp_path / 'precious'
    victim.write_text('mine')
    size = 4096
    page = file.read_bytes()[:size]
    checksum = sum(page[i] for i in range(size - 200, 0, -200))
    magic = bytes.fromhex('d9d505f920a163d7')
    pages = file.stat().st_size // size
    header = (magic + struct.pack('>5I', 1, 0, pages, 512, size)).ljust(512, b'\0')
    name = str(victim).encode()
    lock_page = 0x40000000 // size + 1
    journal = header + struct.pack('>I', 1) + page + struct.pack('>I', checksum)
    journal += struct.pack('>I', lock_page) + name
    journal += struct.pack('>II', len(name), sum(name)) + magic
    log = file.with_name(f'{file.name}-journal')

    # It is a journal that SQLite takes, or this would prove nothing.
    copy = tmp_path / 'copy.db3'
    shutil.copy(file, copy)
    copy.with_name('copy.db3-journal').write_bytes(journal)
    with closing(sqlite3.connect(copy)) as database:
        database.execute('SELECT count(*) FROM messages')
    assert not victim.exists()

    victim.write_text('mine')
    log.write_bytes(journal)
    refuse(path, 'bag.db3-journal has messages that are not in the bag', salvage=True)
    assert victim.exists()


def page_of_cells(size: int, kind: int, *cells: bytes, after: int = 0) -> bytes:
    header = 12 if kind == 5 else 8
    page = bytearray(size)
    page[0] = kind
    page[3:5] = struct.pack('>H', len(cells))
    page[8:12] = struct.pack('>I', after) if kind == 5 else page[8:12]
    place = size
    for number, cell in enumerate(cells):
        place -= len(cell)
        page[place : place + len(cell)] = cell
        page[header + 2 * number : header + 2 * number + 2] = struct.pack('>H', place)
    return bytes(page)


def sqlite_file(path: Path, *pages: bytes) -> Path:
    """Of pages of 512 bytes; one more is promised, so that it counts as cut off."""
    first = bytearray(512)
    first[:18] = b'SQLite format 3\0' + struct.pack('>H', 512)
    first[28:32] = struct.pack('>I', len(pages) + 2)
    first[100:] = page_of_cells(412, 5, after=2)
    path.write_bytes(bytes(first) + b''.join(pages))
    return path


def test_pages_that_lead_in_circles(tmp_path):
    cells = [struct.pack('>I', 2) + b'\0'] * 50
    path = sqlite_file(tmp_path / 'a.db3', page_of_cells(512, 5, *cells, after=2))
    refuse(path, 'cannot be read', salvage=True)


def test_rows_that_all_lead_through_the_same_pages(tmp_path):
    """A chain that bites its tail, for rows that claim terabytes."""
    row = b'\xff' * 8 + b'\x7f' + b'\x01' + struct.pack('>I', 3)
    overflow = struct.pack('>I', 3) + bytes(508)
    path = sqlite_file(tmp_path / 'a.db3', page_of_cells(512, 13, *[row] * 20), overflow)
    refuse(path, 'cannot be read', salvage=True)


def test_copies_of_salvaged_bags_are_the_users_alone_and_go(tmp_path, drive, monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path / 'temporary'))
    (tmp_path / 'temporary').mkdir()
    path = write_bag(tmp_path / 'bag', drive, BagConfig(storage='sqlite3')).path
    [file] = path.glob('*.db3')
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 3 // 4])
    before = os.umask(0)
    try:
        bag = BagReader(path, salvage=True)
    finally:
        os.umask(before)
    with bag:
        [folder] = (tmp_path / 'temporary').iterdir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not folder.exists()
