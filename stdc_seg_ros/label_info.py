"""Names of the ids in the masks: as JSON always, as vision_msgs where those are installed."""

from __future__ import annotations

import json
from typing import Any

from rclpy.lifecycle import LifecycleNode
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import String

from stdc_core.labels import UNLABELED, LabelSet

try:
    from vision_msgs.msg import LabelInfo, VisionClass
except ImportError:  # not on PyPI; ros-<distro>-vision-msgs
    LabelInfo = None

JSON_TOPIC, TOPIC = 'label_info_json', 'label_info'


def label_info_json(labels: LabelSet, confidence_threshold: float) -> str:
    """Describe the ids: names, colours (RGB), the id of what is unlabeled, the threshold."""
    return json.dumps(
        {
            'name': labels.name,
            'unlabeled_id': UNLABELED,
            'confidence_threshold': confidence_threshold,
            'classes': [
                {'id': number, 'name': name, 'color': list(color)}
                for number, (name, color) in enumerate(
                    zip(labels.names, labels.colors, strict=True)
                )
            ],
        }
    )


def label_info_message(labels: LabelSet, confidence_threshold: float) -> Any:
    """Describe the ids as vision_msgs/LabelInfo, which Nav2 reads."""
    return LabelInfo(
        class_map=[
            VisionClass(class_id=number, class_name=name)
            for number, name in enumerate(labels.names)
        ],
        threshold=float(confidence_threshold),
    )


class LabelInfoPublisher:
    """Publishes the names for whoever comes, now or later.

    :param node: that publishes, in any lifecycle state.
    :param prefix: of the topics, with its slash.
    :param labels: what the ids mean.
    """

    def __init__(self, node: LifecycleNode, prefix: str, labels: LabelSet) -> None:
        self._node = node
        self._labels = labels
        self._threshold: float | None = None  # as published
        self._publishers: dict[str, Publisher[Any]] = {
            JSON_TOPIC: node.create_publisher(String, prefix + JSON_TOPIC, _latched())
        }
        if LabelInfo is not None:
            self._publishers[TOPIC] = node.create_publisher(LabelInfo, prefix + TOPIC, _latched())

    def publish(self, confidence_threshold: float) -> None:
        """Publish what is new; the newest is kept for late subscribers."""
        if confidence_threshold == self._threshold:
            return
        self._threshold = confidence_threshold
        text = label_info_json(self._labels, confidence_threshold)
        self._publishers[JSON_TOPIC].publish(String(data=text))
        if TOPIC in self._publishers:
            message = label_info_message(self._labels, confidence_threshold)
            message.header.stamp = self._node.get_clock().now().to_msg()
            self._publishers[TOPIC].publish(message)

    def destroy(self) -> None:
        """Take the publishers off the node."""
        for publisher in self._publishers.values():
            self._node.destroy_publisher(publisher)
        self._publishers = {}


def _latched() -> QoSProfile:
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=1,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
    )
