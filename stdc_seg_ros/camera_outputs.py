"""What the node publishes for one camera: computed only where somebody subscribes."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rclpy.lifecycle import LifecycleNode, LifecyclePublisher
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from stdc_core.engines import Segmentation
from stdc_core.labels import LabelSet
from stdc_seg_ros.image_messages import CameraFrame
from stdc_seg_ros.image_messages.write import ImageWriter, OutputEncoding, compressed_message

MESSAGE_TYPES = {
    'mask': Image,
    'detail': Image,
    'confidence': Image,
    'overlay': Image,
    'color_mask': Image,
    'mask/compressed': CompressedImage,
    'overlay/compressed': CompressedImage,
    'camera_info': CameraInfo,
}
ENCODINGS: Mapping[str, OutputEncoding] = {
    'mask': 'mono8',
    'detail': 'mono8',
    'confidence': 'mono8',
    'overlay': 'rgb8',
    'color_mask': 'rgb8',
}
DEPTH = 5  # for a subscriber that wants every mask; ours is published and forgotten


class CameraOutputs:
    """Publishers of one camera's results; the inference thread publishes.

    :param node: that publishes.
    :param prefix: of the topics, with its slash.
    :param labels: what the ids of the masks mean.
    """

    def __init__(self, node: LifecycleNode, prefix: str, labels: LabelSet) -> None:
        self._node = node
        self._labels = labels
        self._publishers: dict[str, LifecyclePublisher[Any]] = {
            name: node.create_lifecycle_publisher(
                message_type,
                prefix + name,
                QoSProfile(
                    history=HistoryPolicy.KEEP_LAST,
                    depth=DEPTH,
                    reliability=ReliabilityPolicy.RELIABLE,
                ),
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )
            for name, message_type in MESSAGE_TYPES.items()
        }
        self._writers = {name: ImageWriter(encoding) for name, encoding in ENCODINGS.items()}
        # All keys from the start: diagnostics go through them while the inference thread counts.
        self.published = dict.fromkeys(MESSAGE_TYPES, 0)

    def wanted(self) -> Set[str]:
        """Look which outputs somebody subscribes to."""
        return {
            name
            for name, publisher in self._publishers.items()
            if publisher.get_subscription_count()
        }

    def publish_mask(self, wanted: Set[str], header: Header, labels: NDArray[np.uint8]) -> None:
        """Publish the mask, before everything else.

        :param labels: uint8, class ids or 255, shape (H, W).
        """
        if 'mask' in wanted:
            self._publish_image('mask', labels, header)

    def publish_rest(
        self,
        wanted: Set[str],
        header: Header,
        frame: CameraFrame,
        result: Segmentation,
        camera_info: CameraInfo | None,
        overlay_opacity: float,
        jpeg_quality: int,
    ) -> None:
        """Publish what else is wanted.

        :param header: of the camera's message; every output carries it.
        :param frame: that was segmented.
        :param result: of the engine, its labels as published.
        :param camera_info: the camera's newest; None where none came.
        """
        for name, values in (('detail', result.detail), ('confidence', result.confidence)):
            if name in wanted and values is not None:
                self._publish_image(name, values, header)
        if wanted & {'overlay', 'overlay/compressed'}:
            overlay = self._labels.overlay(
                frame.pixels, result.labels, overlay_opacity, frame.color_order
            )
            if frame.color_order == 'bgr':
                overlay = cv2.cvtColor(overlay, cv2.COLOR_BGR2RGB)  # type: ignore[assignment]
            if 'overlay' in wanted:
                self._publish_image('overlay', overlay, header)
        if 'color_mask' in wanted:
            self._publish_image('color_mask', self._labels.colorize(result.labels), header)
        if 'mask/compressed' in wanted:
            message = compressed_message(result.labels, 'mono8', 'png', header)
            self._publish('mask/compressed', message)
        if 'overlay/compressed' in wanted:
            message = compressed_message(overlay, 'rgb8', 'jpeg', header, jpeg_quality)
            self._publish('overlay/compressed', message)
        if 'camera_info' in wanted and camera_info is not None:
            camera_info.header = header
            self._publish('camera_info', camera_info)

    def destroy(self) -> None:
        """Take the publishers off the node; from the executor's thread, after the last frame."""
        for publisher in self._publishers.values():
            self._node.destroy_lifecycle_publisher(publisher)
        self._publishers = {}

    def _publish_image(self, name: str, pixels: NDArray[np.uint8], header: Header) -> None:
        self._publish(name, self._writers[name].fill(pixels, header))

    def _publish(self, name: str, message: Any) -> None:
        self._publishers[name].publish(message)
        self.published[name] += 1
