"""``play_bag``: the images of a bag over their topics, at their own rate."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import rclpy
import tyro
from builtin_interfaces.msg import Time
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from stdc_core.command_line.run_command import run_command
from stdc_core.errors import InvalidArgumentError
from stdc_seg_ros.bag.bag_reader import (
    CAMERA_INFO,
    COMPRESSED_IMAGE,
    IMAGE,
    IMAGE_TYPES,
    BagReader,
)
from stdc_seg_ros.bag.errors import BagError
from stdc_seg_ros.bag.playback import Lateness, Playback
from stdc_seg_ros.processes.end_signal import EndSignal
from stdc_seg_ros.transport import tune_transport

MESSAGES = {IMAGE: Image, COMPRESSED_IMAGE: CompressedImage, CAMERA_INFO: CameraInfo}
MAX_DEPTH = 10
SETTLE_S = 1.0  # without a change of the subscribers


def play_bag(
    bag: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar='BAG')],
    topics: Annotated[tuple[str, ...], tyro.conf.arg(metavar='TOPIC ...')] = (),
    rate: float = 1.0,
    loop: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    clock: Annotated[float | None, tyro.conf.arg(metavar='HZ')] = None,
    wait: Annotated[int, tyro.conf.arg(metavar='N')] = 0,
) -> None:
    """Play the images and camera_info of a rosbag2, with the stamps they were recorded with.

    Publishers are reliable. Ctrl-C ends it.

    :param bag: folder of the bag, or a file of it.
    :param topics: what to play; all images and camera_info where not given.
    :param rate: of time: 2 plays twice as fast.
    :param loop: begin again at the end; the stamps begin again, too.
    :param clock: publish /clock, so many times a second.
    :param wait: begin when there are so many subscriptions to images, and none came or went for a
        second.
    """
    if wait < 0:
        raise InvalidArgumentError(f'wait is {wait}, expected at least 0')
    with BagReader(bag, salvage=True) as reader:
        if reader.damage:
            print(f'{bag} is damaged, what can be read is played: {reader.damage}', flush=True)
        names = _chosen(reader, topics)
        playback = Playback(lambda: reader.read_raw(names), rate, loop, clock)
        end = EndSignal()
        tune_transport()
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        node = rclpy.create_node('play_bag', start_parameter_services=False)
        try:
            _Player(node, reader, names, end).play(playback, wait)
        finally:
            node.destroy_node()
            rclpy.try_shutdown()


def _chosen(reader: BagReader, topics: Sequence[str]) -> list[str]:
    """Names of the topics to play."""
    for name in topics:
        if reader.topic(name).type not in MESSAGES:
            raise BagError(
                f'{name} has messages of {reader.topic(name).type}, expected one of '
                f'{", ".join(MESSAGES)}: ros2 bag play plays everything'
            )
    if len(set(topics)) != len(topics):
        raise InvalidArgumentError(f'topics are {" ".join(topics)}, expected each once')
    chosen = topics or [topic.name for topic in reader.topics.values() if topic.type in MESSAGES]
    if not sum(reader.topics[name].message_count for name in chosen):
        raise BagError(f'{reader.path} has no images: nothing to play')
    return list(chosen)


class _Player:
    """Publishes what is due; a signal ends it."""

    def __init__(self, node: Node, reader: BagReader, names: list[str], end: EndSignal) -> None:
        self._node = node
        self._reader = reader
        self._end = end
        self._publishers: dict[str, Publisher[Any]] = {}
        for name in names:
            topic = reader.topics[name]
            depth = min(max(topic.depth, 1), MAX_DEPTH)
            qos = QoSProfile(depth=depth, reliability=ReliabilityPolicy.RELIABLE)
            self._publishers[name] = node.create_publisher(MESSAGES[topic.type], name, qos)

    def play(self, playback: Playback, wait: int) -> None:
        counts = {
            name: f'{name} ({self._reader.topics[name].message_count})'
            for name in self._publishers
        }
        print(f'playing {self._reader.path}: {", ".join(counts.values())}', flush=True)
        if wait and not self._wait_for_subscribers(wait):
            return
        lateness = {name: Lateness() for name in self._publishers}
        clock = self._node.create_publisher(Clock, '/clock', 10) if playback.clock_hz else None
        start = time.monotonic()
        ended = True
        for due in playback:
            if self._end.wait(start + due.at_s - time.monotonic()):
                ended = False
                break
            if due.message is None:
                assert clock is not None
                clock.publish(_clock_message(due.bag_ns))
            else:
                lateness[due.message.topic].add(time.monotonic() - start - due.at_s)
                # As it lies in the bag: to read it and write it again costs twice as much.
                self._publishers[due.message.topic].publish(due.message.data)
        seconds = time.monotonic() - start
        if ended:
            for publisher in self._publishers.values():
                publisher.wait_for_all_acked(Duration(seconds=0.5))
        for name, counted in lateness.items():
            print(f'{name}: {counted} in {seconds:.1f} s', flush=True)

    def _wait_for_subscribers(self, least: int) -> bool:
        """Wait until there are so many and no more come; False if a signal came instead.

        Those that wait are discovered one after the other, and each is to see the first image.
        """
        images = [
            publisher
            for name, publisher in self._publishers.items()
            if self._reader.topics[name].type in IMAGE_TYPES
        ]
        known, since = 0, time.monotonic()
        while known < least or time.monotonic() - since < SETTLE_S:
            count = sum(publisher.get_subscription_count() for publisher in images)
            if count != known:
                known, since = count, time.monotonic()
            if self._end.wait(0.02):
                return False
        return True


def _clock_message(bag_ns: int) -> Any:
    seconds, nanoseconds = divmod(bag_ns, 10**9)
    return Clock(clock=Time(sec=seconds, nanosec=nanoseconds))


if __name__ == '__main__':
    sys.exit(run_command('play_bag', lambda: tyro.cli(play_bag, prog='play_bag')))
