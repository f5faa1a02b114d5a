"""The subscription to one camera: its topic, its reliability, what its publishers are."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.lifecycle import LifecycleNode
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from stdc_seg_ros.parameters import ImageTransport, Reliability

NANOSECONDS = 1_000_000_000


@dataclass(frozen=True)
class Arrival:
    """One message and what the middleware says about it.

    :param publisher: gid of its publisher; None before Kilted.
    :param sequence: publication sequence number; None where the middleware has none.
    :param source_ns: when it was published, by the publisher's clock; None where unknown.
    :param transport_ms: from publishing until the middleware had it; None where unknown.
    :param received_at: ``time.perf_counter()`` when the middleware had it, seconds.
    """

    message: Image | CompressedImage
    publisher: bytes | None
    sequence: int | None
    source_ns: int | None
    transport_ms: float | None
    received_at: float


@dataclass(frozen=True)
class Publishers:
    """Who publishes on the camera's topic.

    :param count: all of them.
    :param matched: those whose type and reliability fit the subscription.
    :param problem: why others do not; empty where all do.
    """

    count: int
    matched: int
    problem: str


class CameraInput:
    """Subscribes to a camera's images and to its camera_info; for the executor's thread only.

    :param node: that subscribes.
    :param topic: base name of the images, relative or absolute; remapped by the node.
    :param transport: ``compressed`` takes CompressedImage from ``topic/compressed``.
    :param reliability: ``auto`` follows what the publishers offer, see :meth:`review`.
    :param on_arrival: called with every message.
    """

    def __init__(
        self,
        node: LifecycleNode,
        topic: str,
        transport: ImageTransport,
        reliability: Reliability,
        on_arrival: Callable[[Arrival], None],
    ) -> None:
        self._node = node
        base = node.resolve_topic_name(topic)
        compressed = transport == 'compressed'
        self.topic = f'{base}/compressed' if compressed else base
        self.camera_info_topic = _beside(node, base, 'camera_info')
        self.camera_info: CameraInfo | None = None  # the newest
        self.reliability = ReliabilityPolicy.BEST_EFFORT
        self._message_type = CompressedImage if compressed else Image
        self._type_name = f'sensor_msgs/msg/{self._message_type.__name__}'
        self._wanted = reliability
        self._on_arrival = on_arrival
        self._images: Subscription[Any] | None = None
        self._infos: Subscription[Any] | None = None
        self._problem = ''

    def open(self) -> None:
        """Subscribe."""
        self.reliability = self._choose_reliability()
        self._subscribe()
        self._infos = self._node.create_subscription(
            CameraInfo,
            self.camera_info_topic,
            self._take_info,
            _qos(ReliabilityPolicy.BEST_EFFORT),
        )

    def close(self) -> None:
        """Unsubscribe; a second call does nothing."""
        for subscription in (self._images, self._infos):
            if subscription is not None:
                self._node.destroy_subscription(subscription)
        self._images = self._infos = None

    def review(self) -> Publishers:
        """Look who publishes, and subscribe anew where ``auto`` now means another reliability.

        To be called regularly, from a timer: in a callback of the executor, so that nothing waits
        for the old subscription.
        """
        reliability = self._choose_reliability()
        if reliability != self.reliability and self._images is not None:
            self._node.get_logger().info(
                f'{self.topic}: subscribing anew, {_words(reliability)}, as the publishers offer'
            )
            self._node.destroy_subscription(self._images)
            self.reliability = reliability
            self._subscribe()
        return self.publishers()

    def publishers(self) -> Publishers:
        """Look who publishes on the topic and whether that fits; says what is new in the log."""
        endpoints = self._node.get_publishers_info_by_topic(self.topic)
        problems = set()
        for endpoint in endpoints:
            offered = endpoint.qos_profile.reliability
            if endpoint.topic_type != self._type_name:
                problems.add(
                    f'{endpoint.topic_type} is published on {self.topic}, expected '
                    f"{self._type_name}: see the parameter 'image_transport'"
                )
            elif (self.reliability, offered) == _INCOMPATIBLE:
                problems.add(
                    f'a publisher of {self.topic} offers best effort only, and the parameter '
                    "'reliability' asks for reliable: no image can come from it"
                )
        problem = '; '.join(sorted(problems))
        if problem and problem != self._problem:
            self._node.get_logger().warning(problem)
        self._problem = problem
        count = len(endpoints)
        fitting = sum(
            endpoint.topic_type == self._type_name
            and (self.reliability, endpoint.qos_profile.reliability) != _INCOMPATIBLE
            for endpoint in endpoints
        )
        return Publishers(count, fitting, problem)

    def _choose_reliability(self) -> ReliabilityPolicy:
        if self._wanted != 'auto':
            return ReliabilityPolicy[self._wanted.upper()]
        offers = {
            endpoint.qos_profile.reliability
            for endpoint in self._node.get_publishers_info_by_topic(self.topic)
            if endpoint.topic_type == self._type_name
        }
        if not offers:
            # At first best effort, which fits whoever comes; later as before, since it is mostly
            # the same camera that comes again.
            return self.reliability
        all_reliable = offers == {ReliabilityPolicy.RELIABLE}
        return ReliabilityPolicy.RELIABLE if all_reliable else ReliabilityPolicy.BEST_EFFORT

    def _subscribe(self) -> None:
        self._images = self._node.create_subscription(
            self._message_type, self.topic, self._take_image, _qos(self.reliability)
        )

    def _take_image(self, message: Image | CompressedImage, info: Any) -> None:
        source_ns = info['source_timestamp'] or None
        received_ns = info['received_timestamp'] or None
        transport_ms = None
        if source_ns is not None and received_ns is not None:
            transport_ms = 1e-6 * (received_ns - source_ns)
        # The age of the message since then, on the system's clock as the stamp is, put onto
        # steady time once: it waited for this thread, and was deserialised.
        waited_s = 0.0
        if received_ns is not None:
            waited_s = max(time.time_ns() - received_ns, 0) / NANOSECONDS
        gid = info.get('publisher_gid')
        self._on_arrival(
            Arrival(
                message,
                publisher=None if gid is None else bytes(gid['data']),
                sequence=info.get('publication_sequence_number'),
                source_ns=source_ns,
                transport_ms=transport_ms,
                received_at=time.perf_counter() - waited_s,
            )
        )

    def _take_info(self, message: CameraInfo) -> None:
        self.camera_info = message


_INCOMPATIBLE = (ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT)  # asked, offered


def _qos(reliability: ReliabilityPolicy) -> QoSProfile:
    """Depth 1: a queue would only make frames old."""
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1, reliability=reliability)


def _words(reliability: ReliabilityPolicy) -> str:
    return reliability.name.lower().replace('_', ' ')


def _beside(node: LifecycleNode, image_topic: str, name: str) -> str:
    """Find a topic beside the images, as image_transport does, unless it is remapped by itself."""
    resolved: str = node.resolve_topic_name(name)
    own = node.get_namespace().rstrip('/') + f'/{name}'
    if resolved != own:
        return resolved
    return f'{image_topic.rpartition("/")[0]}/{name}'
