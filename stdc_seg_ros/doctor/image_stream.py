"""Two processes and a stream of images between them: what arrives, and after how long.

``python -m stdc_seg_ros.doctor.image_stream receive|send ...``; used by :mod:`transport_probe`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import time
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from stdc_seg_ros.image_messages.write import ImageWriter
from stdc_seg_ros.processes.end_signal import EndSignal
from stdc_seg_ros.transport import PROFILE_VARIABLES, tune_transport

TOPIC = 'stdc_seg_doctor/image'
MATCH_S = 15.0  # for the two to find each other
DRAIN_S = 1.0  # after the last image

Reliability = Literal['best_effort', 'reliable']


@dataclass(frozen=True)
class Stream:
    """What is sent.

    :param height: of the images, pixels.
    :param width: of the images, pixels.
    :param rate: images a second.
    :param count: of images.
    :param reliability: of both sides, as cameras and this package's node may have it.
    :param tuned: with the package's profile for Fast DDS and its malloc settings.
    """

    height: int
    width: int
    rate: float
    count: int
    reliability: Reliability
    tuned: bool

    @property
    def qos(self) -> QoSProfile:
        """Of both sides: depth 1, as the node has it."""
        return QoSProfile(depth=1, reliability=ReliabilityPolicy[self.reliability.upper()])


def main(role: str, stream: str) -> None:
    """Do one side of it.

    :param role: receive or send.
    :param stream: what is sent, as JSON.
    """
    what = Stream(**json.loads(stream))
    end = EndSignal()
    if what.tuned:
        for name in PROFILE_VARIABLES:  # one that is set would go before the package's
            os.environ.pop(name, None)
        tune_transport()
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node(f'stdc_seg_doctor_{role}', start_parameter_services=False)
    try:
        if role == 'send':
            print(f'sent {_send(node, what, end)}', flush=True)
        else:
            _receive(node, what, end)
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


def as_json(stream: Stream) -> str:
    """Words for the command line."""
    return json.dumps(dataclasses.asdict(stream))


def _send(node: Any, stream: Stream, end: EndSignal) -> int:
    """Send images to whoever subscribes.

    :return: how many; 0 where nobody did.
    """
    publisher = node.create_publisher(Image, TOPIC, stream.qos)
    writer = ImageWriter('rgb8')
    pixels = np.zeros((stream.height, stream.width, 3), np.uint8)
    deadline = time.monotonic() + MATCH_S
    while not publisher.get_subscription_count():
        if time.monotonic() > deadline or end.wait(0.02):
            return 0
    if end.wait(1.0):  # the other side may know of this one later
        return 0
    start = time.monotonic()
    for number in range(stream.count):
        if end.wait(start + number / stream.rate - time.monotonic()):
            return number
        publisher.publish(writer.fill(pixels, Header(frame_id=str(number))))
    end.wait(DRAIN_S)
    return stream.count


def _receive(node: Any, stream: Stream, end: EndSignal) -> None:
    latencies_ms: dict[str, float] = {}

    def take(message: Image, info: Any) -> None:
        age_ns = time.time_ns() - info['source_timestamp']
        latencies_ms[message.header.frame_id] = 1e-6 * age_ns

    node.create_subscription(Image, TOPIC, take, stream.qos)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    print('ready', flush=True)
    while not end.wait(0):
        executor.spin_once(0.1)
    executor.shutdown()
    print('received ' + json.dumps(list(latencies_ms.values())), flush=True)


if __name__ == '__main__':
    main(*sys.argv[1:])
