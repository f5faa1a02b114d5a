"""Takes down what a node publishes during a replay, and how old it is when it arrives."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from stdc_core.timing import LatencySummary, LatencyWindow, RateMeter
from stdc_seg_ros.bag.mask_files import write_mask

RELIABLE = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
WINDOW = 1 << 20  # masks whose latency counts: all of them


def stamp_ns(header: Header) -> int:
    """Stamp of a header, nanoseconds."""
    return int(header.stamp.sec) * 10**9 + int(header.stamp.nanosec)


@dataclass(frozen=True)
class Seen:
    """What came so far.

    :param images: published by the player, each stamp once.
    :param masks: received.
    :param image_rate: a second, in the last seconds; None before the second one.
    :param latency: from an image's publication to its mask's arrival here; None before the first.
    """

    images: int
    masks: int
    image_rate: float | None
    mask_rate: float | None
    latency: LatencySummary | None


class MaskRecorder(Node):
    """Listens to a camera and to the masks made of it; writes each mask to ``STAMP.png``.

    :param image_topic: of the camera.
    :param compressed: whether that is a CompressedImage.
    :param node_name: of the segmentation node.
    :param folder: for the masks, there already.
    """

    def __init__(self, image_topic: str, compressed: bool, node_name: str, folder: Path) -> None:
        super().__init__('mask_recorder', start_parameter_services=False)
        self.statuses: dict[str, dict[str, str]] = {}  # by the end of the status's name
        self.status_came_at = (
            0.0  # when the newest of them came, steady: its stamp may be of /clock
        )
        self._folder = folder
        self._node_name = node_name
        self._published_ns: dict[int, int] = {}  # by stamp
        self._arrived_ns: dict[int, int] = {}
        self._first_at: float | None = None  # when images and masks came, steady seconds
        self._last_at = 0.0
        self._latency = LatencyWindow(WINDOW)
        self._image_rate, self._mask_rate = RateMeter(), RateMeter()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix='mask_writer')
        self._writes: list[Future[None]] = []
        self._image_type: Any = CompressedImage if compressed else Image
        self._image_topic = image_topic
        self._hears_masks = self._hears_images = False
        self.create_subscription(
            Image,
            f'/{node_name}/mask',
            self._take_mask,
            RELIABLE,
            event_callbacks=SubscriptionEventCallbacks(matched=self._note_masks),
        )
        self.create_subscription(DiagnosticArray, '/diagnostics', self._take_status, RELIABLE)

    def join(self) -> bool:
        """Subscribe to the images once nothing of them and of their masks can be missed.

        A player that waits for two subscribers begins then. DDS lets both ends of a topic know of
        each other at different times, seconds apart where a datagram is lost.

        :return: whether it is done.
        """
        if not self._hears_images and self._hears_masks and self._node_is_ready():
            self._hears_images = True
            self.create_subscription(
                self._image_type, self._image_topic, self._take_image, RELIABLE
            )
        return self._hears_images

    def seen(self) -> Seen:
        """Sum up."""
        return Seen(
            len(self._published_ns),
            len(self._arrived_ns),
            self._image_rate.rate(),
            self._mask_rate.rate(),
            self._latency.summary(),
        )

    def latencies_ms(self) -> dict[int, float]:
        """Give the time from an image's publication to its mask's arrival, by stamp.

        Below 0 where the system's clock was put back meanwhile.
        """
        return {
            stamp: 1e-6 * (arrived - self._published_ns[stamp])
            for stamp, arrived in self._arrived_ns.items()
            if stamp in self._published_ns
        }

    def seconds(self) -> float:
        """Tell how long it went, from the first image to the last image or mask; 0 of none."""
        return 0.0 if self._first_at is None else self._last_at - self._first_at

    def close(self) -> None:
        """Finish writing.

        :raises OSError: a mask could not be written.
        """
        self._writer.shutdown()
        for write in self._writes:
            write.result()

    def _node_is_ready(self) -> bool:
        """Whether the node and this end know the player, and the node knows of this end."""
        camera = self.statuses.get('image', {})
        return (
            camera.get('matched publishers', '0') != '0'
            and 'mask' in camera.get('subscribed outputs', '').split(', ')
            and self.count_publishers(self._image_topic) > 0
        )

    def _note_masks(self, info: Any) -> None:
        self._hears_masks = info.current_count > 0

    def _take_image(self, message: Image | CompressedImage, info: Any) -> None:
        self._published_ns[stamp_ns(message.header)] = info['source_timestamp']
        self._image_rate.tick()
        self._last_at = time.monotonic()
        if self._first_at is None:
            self._first_at = self._last_at

    def _take_mask(self, message: Image) -> None:
        now = time.time_ns()  # as the middleware stamps what it sends
        stamp = stamp_ns(message.header)
        self._arrived_ns[stamp] = now
        self._mask_rate.tick()
        self._last_at = time.monotonic()
        if (published := self._published_ns.get(stamp)) is not None:
            self._latency.add(1e-6 * (now - published))
        mask = np.frombuffer(message.data, np.uint8).reshape(message.height, message.width)
        self._writes.append(self._writer.submit(write_mask, self._folder, stamp, mask))

    def _take_status(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name.startswith(f'{self._node_name}: '):
                values = {value.key: value.value for value in status.values}
                self.statuses[status.name.partition(': ')[2]] = values
                self.status_came_at = time.monotonic()
