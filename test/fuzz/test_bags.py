"""Bags of any content: messages, or a bag error."""

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import damaged, fuzz, mutated, no_hang
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from stdc_core.errors import UserError
from stdc_seg_ros.bag.bag_reader import BagReader
from stdc_seg_ros.bag.bag_writer import BagConfig, LabeledImage, write_bag
from stdc_seg_ros.bag.errors import BagError
from stdc_seg_ros.image_messages import decode_image

KINDS = ['mcap', 'sqlite3', 'zstd']
SPACE = 1 << 16  # bytes that a mutation may fall on: more than the file has


@pytest.fixture(scope='module')
def bags(tmp_path_factory):
    """Make a small bag of each kind; the file's content by its kind."""
    folder = tmp_path_factory.mktemp('bags')
    picture = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    drive = [LabeledImage(picture, picture[..., 0]) for _ in range(3)]
    for kind in KINDS[:2]:
        write_bag(folder / kind, drive, BagConfig(storage=kind))
    writer = Writer(folder / 'zstd', version=9, storage_plugin=StoragePlugin.MCAP)
    writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
    with BagReader(folder / 'mcap') as bag, writer:
        types = get_typestore(Stores.LATEST)
        made = {
            topic.name: writer.add_connection(topic.name, topic.type, typestore=types)
            for topic in bag.topics.values()
        }
        for message in bag.read_raw(list(bag.topics)):
            writer.write(made[message.topic], message.recorded_ns, message.data)
    return folder


def read(path, salvage: bool) -> None:
    with no_hang():
        try:
            with BagReader(path, salvage=salvage) as bag:
                assert bag.duration_s >= 0 or bag.message_count >= 0
                for topic in bag.image_topics():
                    for _, message in bag.read(topic.name):
                        try_to_decode(message)
        except BagError as error:
            assert str(path) in str(error)
            assert '\n' not in str(error)


def try_to_decode(message) -> None:
    try:
        if hasattr(message, 'encoding'):
            decode_image(message)
    except UserError:
        pass


@pytest.mark.parametrize('kind', KINDS)
@fuzz
@given(data=st.data(), salvage=st.booleans())
def test_files_of_bags(bags, tmp_path, kind, data, salvage):
    [source] = (file for file in (bags / kind).iterdir() if file.suffix in ('.mcap', '.db3'))
    file = tmp_path / source.name
    file.write_bytes(data.draw(mutated(source.read_bytes(), 10)))
    read(file, salvage)


@settings(fuzz, max_examples=max(fuzz.max_examples // 4, 1))  # two parsers of YAML are slow
@given(data=st.data(), salvage=st.booleans())
def test_metadata_of_bags(bags, tmp_path, data, salvage):
    source = bags / 'mcap'
    fields = yaml.safe_load((source / 'metadata.yaml').read_text())
    folder = tmp_path / 'mcap'
    folder.mkdir(exist_ok=True)
    (folder / 'mcap.mcap').write_bytes((source / 'mcap.mcap').read_bytes())
    text = data.draw(
        mutated((source / 'metadata.yaml').read_bytes())
        | damaged(fields).map(lambda other: yaml.safe_dump(other).encode())
    )
    (folder / 'metadata.yaml').write_bytes(text)
    read(folder, salvage)
