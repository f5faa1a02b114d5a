import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from stdc_seg_ros.bag.bag_reader import IMAGE, BagReader
from stdc_seg_ros.bag.bag_writer import IMAGE_TOPIC, INFO_TOPIC, LABEL_TOPIC, BagConfig, write_bag
from stdc_seg_ros.bag.errors import BagError
from stdc_seg_ros.image_messages import decode_image


def pictures_of(path, topic=IMAGE_TOPIC) -> list[np.ndarray]:
    with BagReader(path) as bag:
        return [decode_image(message).pixels.copy() for _, message in bag.read(topic)]


def rewrite(path: Path, target: Path, change: Callable[[Writer], None]) -> Path:
    """Write the bag anew with a writer of rosbags that was changed before it is opened."""
    types = get_typestore(Stores.LATEST)
    writer = Writer(target, version=9, storage_plugin=StoragePlugin.MCAP)
    change(writer)
    with BagReader(path) as bag, writer:
        connections = {
            topic.name: writer.add_connection(topic.name, topic.type, typestore=types)
            for topic in bag.topics.values()
        }
        for message in bag.read_raw(list(bag.topics)):
            writer.write(connections[message.topic], message.recorded_ns, message.data)
    return target


@pytest.fixture
def bag_path(tmp_path, drive) -> Path:
    return write_bag(tmp_path / 'drive', drive, BagConfig(rate_hz=10)).path


def test_a_bag_says_what_is_in_it(bag_path):
    with BagReader(bag_path) as bag:
        assert bag.message_count == 7 + 7 + 3
        assert bag.duration_s == 0.6
        assert {topic.name: topic.message_count for topic in bag.topics.values()} == {
            IMAGE_TOPIC: 7,
            INFO_TOPIC: 7,
            LABEL_TOPIC: 3,
        }
        assert [topic.name for topic in bag.image_topics()] == [IMAGE_TOPIC, LABEL_TOPIC]
        assert bag.topic(IMAGE_TOPIC).type == IMAGE
        assert bag.topic(IMAGE_TOPIC).depth == 5


def test_topics_come_in_the_order_of_recording(bag_path):
    with BagReader(bag_path) as bag:
        messages = list(bag.read_raw([LABEL_TOPIC, IMAGE_TOPIC]))
        assert [message.topic for message in messages[:3]] == [IMAGE_TOPIC] * 2 + [LABEL_TOPIC]
        stamps = [message.recorded_ns for message in messages]
        assert stamps == sorted(stamps)
        assert len(messages) == 10
        assert not list(bag.read_raw([]))


@pytest.mark.parametrize('mode', ['NONE', 'FILE', 'MESSAGE', 'STORAGE'])
def test_compressed_bags_are_read(tmp_path, bag_path, drive, mode):
    compression = (CompressionMode[mode], CompressionFormat.ZSTD)
    path = rewrite(
        bag_path, tmp_path / 'small', lambda writer: writer.set_compression(*compression)
    )
    np.testing.assert_array_equal(pictures_of(path), [picture.image for picture in drive])


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_a_bag_of_several_files_is_read_as_one(tmp_path, drive, storage):
    parts = []
    for index, pictures in enumerate((drive[:4], drive[4:])):
        first_ns = 10**18 + index * 10**9
        config = BagConfig(rate_hz=10, first_stamp_ns=first_ns, storage=storage)
        parts.append(write_bag(tmp_path / f'drive_{index}', pictures, config).path)
    [second_file] = parts[1].glob('drive_1.*')
    shutil.move(second_file, parts[0])
    metadata_path = parts[0] / 'metadata.yaml'
    metadata = yaml.safe_load(metadata_path.read_text())
    information = metadata['rosbag2_bagfile_information']
    information['relative_file_paths'].append(second_file.name)
    information['message_count'] += 6 + 2
    information['duration']['nanoseconds'] = 10**9 + 2 * 10**8
    for topic in information['topics_with_message_count']:
        topic['message_count'] += 1 if topic['topic_metadata']['name'] == LABEL_TOPIC else 3
    metadata_path.write_text(yaml.safe_dump(metadata))
    with BagReader(parts[0]) as bag:
        assert bag.topic(IMAGE_TOPIC).message_count == 7
        assert bag.duration_s == 1.2
    np.testing.assert_array_equal(pictures_of(parts[0]), [picture.image for picture in drive])


def test_one_file_is_read_without_its_folder(tmp_path, bag_path, drive):
    path = shutil.move(bag_path / 'drive.mcap', tmp_path / 'alone.mcap')
    np.testing.assert_array_equal(pictures_of(path), [picture.image for picture in drive])


def test_an_unknown_topic_lists_those_that_are_there(bag_path):
    known = rf'{IMAGE_TOPIC} \[sensor_msgs/msg/Image\], {LABEL_TOPIC} \[sensor_msgs/msg/Image\]'
    expected = rf'has no topic /front \(topics: /camera/camera_info \[.*\], {known}\)'
    with BagReader(bag_path) as bag:
        for use in (
            bag.topic,
            lambda name: list(bag.read_raw([name])),
            lambda n: next(bag.read(n)),
        ):
            with pytest.raises(BagError, match=expected):
                use('/front')


def test_a_type_that_nobody_knows_is_refused_where_it_is_read(tmp_path):
    path = tmp_path / 'other'
    with Writer(path, version=9) as writer:
        connection = writer.add_connection(
            '/odd', 'odd_msgs/msg/Odd', msgdef='uint8 odd', rihs01='RIHS01_0'
        )
        writer.write(connection, 1, b'\0\1\0\0\7')
    with BagReader(path) as bag:
        assert bag.topic('/odd').message_count == 1
        assert [message.data for message in bag.read_raw(['/odd'])] == [b'\0\1\0\0\7']
        with pytest.raises(BagError, match='messages of odd_msgs/msg/Odd, expected images'):
            next(bag.read('/odd'))


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        ('nothing', 'there is no bag'),
        ('old.bag', 'bag of ROS 1: convert it by rosbags-convert'),
        ('folder', 'has no metadata.yaml, expected the folder of a bag'),
        ('text.txt', 'cannot be read, is it whole'),
        ('text.mcap', 'cannot be read, is it whole'),
        ('text.db3', 'cannot be read, is it whole'),
    ],
)
def test_what_is_no_bag_is_refused(tmp_path, name, expected):
    (tmp_path / 'folder').mkdir()
    for file in ('old.bag', 'text.txt', 'text.mcap', 'text.db3'):
        (tmp_path / file).write_text('no bag')
    with pytest.raises(BagError, match=expected) as error:
        BagReader(tmp_path / name)
    assert str(tmp_path / name) in str(error.value)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_damage_is_a_bag_error_whatever_it_hits(tmp_path, drive, storage):
    path = write_bag(tmp_path / 'drive', drive[:2], BagConfig(storage=storage)).path
    [file] = path.glob('drive.*')
    whole = file.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for trial in range(24):
        changed = bytearray(whole)
        if trial % 2:
            del changed[rng.integers(len(whole)) :]
        else:
            for position in rng.integers(0, len(whole), 20):
                changed[position] = rng.integers(256)
        file.write_bytes(changed)
        try:
            with BagReader(path) as bag:
                for topic in bag.topics:
                    list(bag.read(topic))
        except BagError:
            refused += 1
    assert refused > 8
