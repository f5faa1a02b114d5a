"""Read a rosbag2 (mcap, sqlite3, split, compressed) by rosbags, which needs no ROS."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from stdc_core.yaml_file import read_yaml
from stdc_seg_ros.bag.errors import INSTALL_HINT, BagError
from stdc_seg_ros.bag.salvage import METADATA, bag_files, mend
from stdc_seg_ros.bag.truncated_sqlite import unmerged_log
from stdc_seg_ros.bag.unpacking import limit_unpacking

try:
    from rosbags.interfaces import Connection, ConnectionExtRosbag2
    from rosbags.rosbag2 import Reader
    from rosbags.typesys import Stores, get_typestore
except ImportError as error:
    raise BagError(INSTALL_HINT) from error

limit_unpacking()

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'
CAMERA_INFO = 'sensor_msgs/msg/CameraInfo'
IMAGE_TYPES = (IMAGE, COMPRESSED_IMAGE)


@dataclass(frozen=True)
class BagTopic:
    """A topic of a bag.

    :param type: e.g. ``sensor_msgs/msg/Image``.
    :param depth: of the queue that its publisher offered; 0 where the bag does not say.
    """

    name: str
    type: str
    message_count: int
    depth: int


class RawMessage(NamedTuple):
    """A message as it lies in the bag.

    :param recorded_ns: when it was recorded, nanoseconds since 1970.
    :param data: serialised, with the CDR header.
    """

    topic: str
    recorded_ns: int
    data: bytes


class BagMessage(NamedTuple):
    """A message that was read.

    :param recorded_ns: when it was recorded, nanoseconds since 1970.
    :param message: one of rosbags, with the fields of the ROS message; arrays are views of NumPy.
    """

    recorded_ns: int
    message: Any


class BagReader:
    """An open bag; a context manager.

    :param path: folder of the bag, or one file of it (*.mcap, *.db3).
    :param salvage: read as far as a truncated or damaged bag can be read, and say so in
        ``damage``, instead of raising an error.
    :raises BagError: it is no bag, or one that cannot be read.
    """

    def __init__(self, path: str | Path, *, salvage: bool = False) -> None:
        self.path = Path(path)
        self.salvage = salvage
        self.damage: str | None = None
        self._stack = ExitStack()
        try:
            with self._errors():
                self._open()
        except BagError:
            self.close()
            raise

    def _open(self) -> None:
        if self.path.suffix == '.bag':
            raise BagError(f'{self.path} is a bag of ROS 1: convert it by rosbags-convert')
        if not self.path.exists():
            raise BagError(f'there is no bag {self.path}')
        for file in (self.path, *(self.path.iterdir() if self.path.is_dir() else ())):
            if file.exists() and not (file.is_file() or file.is_dir()):
                raise BagError(f'{file} is a pipe or a device: opening it could wait for ever')
        try:
            self._check_files()
            self._readers = [self._stack.enter_context(Reader(self.path))]
        except Exception as error:
            mended = mend(self.path, self._stack) if self.salvage else []
            if not mended:
                raise
            self.damage = _reason(error)
            self._readers = [self._stack.enter_context(Reader(path)) for path in mended]
        self.topics = self._read_topics()

    def _check_files(self) -> None:
        """Find what rosbags would say in other words, or not at all."""
        if self.path.is_dir() and not (self.path / METADATA).exists():
            raise BagError(
                f'{self.path} has no {METADATA}, expected the folder of a bag: if its recorder '
                'was killed, run ros2 bag reindex'
            )
        if self.path.is_dir():
            read_yaml(self.path / METADATA)  # before rosbags does, without a limit
        for file in bag_files(self.path):
            if (log := unmerged_log(file)) is not None:
                raise BagError(
                    f'{log} has messages that are not in the bag, its recorder runs or was '
                    f"killed: merge them by sqlite3 {file.name} 'PRAGMA journal_mode = DELETE'"
                )

    @property
    def _connections(self) -> list[Connection]:
        return [item for reader in self._readers for item in reader.connections]

    @cached_property
    def _types(self) -> Any:
        """Definitions of messages; a bag's own are not needed, those of images never changed."""
        return get_typestore(Stores.LATEST)

    def _read_topics(self) -> dict[str, BagTopic]:
        topics: dict[str, BagTopic] = {}
        for connection in self._connections:
            assert isinstance(connection.ext, ConnectionExtRosbag2)
            profiles = connection.ext.offered_qos_profiles
            known = topics.get(connection.topic)
            if known and known.type != connection.msgtype:
                raise BagError(
                    f'{self.path}: {connection.topic} has messages of {known.type} and of '
                    f'{connection.msgtype}, expected one type'
                )
            topics[connection.topic] = BagTopic(
                connection.topic,
                connection.msgtype,
                connection.msgcount + (known.message_count if known else 0),
                max([profile.depth for profile in profiles] + [known.depth if known else 0]),
            )
        return topics

    @property
    def message_count(self) -> int:
        """Of all topics."""
        return sum(reader.message_count for reader in self._readers)

    @property
    def duration_s(self) -> float:
        """From the first to the last message, seconds."""
        start = min(reader.start_time for reader in self._readers)
        end = max(reader.end_time for reader in self._readers)
        return max(0, end - start - 1) / 1e9  # rosbags counts the last nanosecond, too

    def image_topics(self) -> list[BagTopic]:
        """List the topics with images, raw or compressed, by name."""
        return [topic for _, topic in sorted(self.topics.items()) if topic.type in IMAGE_TYPES]

    def topic(self, name: str) -> BagTopic:
        """Find a topic.

        :raises BagError: there is none of this name; lists those that are there with their types.
        """
        if name not in self.topics:
            there = ', '.join(f'{t.name} [{t.type}]' for _, t in sorted(self.topics.items()))
            raise BagError(f'{self.path} has no topic {name} (topics: {there or "none"})')
        return self.topics[name]

    def read_raw(self, names: Collection[str]) -> Iterator[RawMessage]:
        """Go through some topics in the order of recording.

        :raises BagError: there is no topic of this name, or the bag is damaged.
        """
        for name in names:
            self.topic(name)
        with self._errors():
            for reader in self._readers:
                chosen = [item for item in reader.connections if item.topic in names]
                if not chosen:
                    continue
                messages = reader.messages(chosen)
                while (found := self._next(messages)) is not None:
                    connection, recorded_ns, data = found
                    yield RawMessage(connection.topic, recorded_ns, bytes(data))

    def read(
        self, name: str, wanted: Callable[[bytes], bool] = lambda data: True
    ) -> Iterator[BagMessage]:
        """Go through one topic in the order of recording.

        :param wanted: whether to read a message, told by its serialised data.
        :raises BagError: there is no topic of this name, its type is unknown, or the bag is
            damaged.
        """
        message_type = self.topic(name).type
        if message_type not in self._types.fielddefs:
            raise BagError(f'{self.path}: {name} has messages of {message_type}, expected images')
        for _, recorded_ns, data in self.read_raw([name]):
            if not wanted(data):
                continue
            with self._errors():
                message = self._types.deserialize_cdr(data, message_type)
            yield BagMessage(recorded_ns, message)

    def _next(self, messages: Iterator[Any]) -> Any:
        """Take a message; None at the end, which may be the first damaged one."""
        try:
            return next(messages, None)
        except Exception as error:
            if not self.salvage:
                raise
            self.damage = self.damage or _reason(error)
            return None

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Say which bag it was."""
        try:
            yield
        except BagError:
            raise
        except Exception as error:  # of a damaged bag: SQL, zstd, Unicode, memory, struct errors
            raise BagError(f'{self.path} cannot be read, is it whole? {_reason(error)}') from error

    def close(self) -> None:
        """Close the bag; a second call does nothing."""
        self._stack.close()

    def __enter__(self) -> BagReader:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def find_image_topic(reader: BagReader, topic: str | None, label_topic: str | None = None) -> str:
    """Choose the topic with the images.

    :param label_topic: is none of them, nor is one whose name ends in ``labels``.

    :raises BagError: the topic has no images, there is none, or there are several.
    """
    if topic is not None:
        if (found := reader.topic(topic).type) not in IMAGE_TYPES:
            raise BagError(f'{reader.path}: {topic} has messages of {found}, expected images')
        return topic
    names = [
        found.name
        for found in reader.image_topics()
        if found.name != label_topic and not found.name.endswith('labels')
    ]
    if len(names) != 1:
        there = ', '.join(f'{t.name} [{t.type}]' for _, t in sorted(reader.topics.items()))
        raise BagError(
            f'{reader.path} has {len(names)} image topics, expected one: name it by --topic '
            f'(topics: {there or "none"})'
        )
    return names[0]


def _reason(error: Exception) -> str:
    if isinstance(error, BagError):
        return str(error)
    return f'{type(error).__name__}: {" ".join(str(error).split())}'
