"""A camera in a process of its own: ``python benchmark/camera.py TOPIC HEIGHT WIDTH RATE FRAMES``.

It waits for a subscriber, says ``ready``, waits for a message on ``go``, and says at its end how
many images it published in how many seconds.
"""

import sys
import time

import rclpy
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import Empty, Header

from stdc_core.geometry import Size
from stdc_core.synthetic.drive import street_picture
from stdc_seg_ros.image_messages.write import ImageWriter
from stdc_seg_ros.transport import tune_transport

NAMESPACE = '/benchmark'
GO_QOS = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
NANOSECONDS = 1_000_000_000


def publish(topic: str, height: int, width: int, rate: float, frames: int) -> None:
    """Publish so many images, stamped as they are published."""
    tune_transport()
    rclpy.init()
    node = rclpy.create_node(topic.replace('/', '_') + '_source', namespace=NAMESPACE)
    publisher = node.create_publisher(
        Image, topic, QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
    )
    told: list[Empty] = []
    node.create_subscription(Empty, 'go', told.append, GO_QOS)
    writer = ImageWriter('rgb8')
    picture = street_picture(Size(height, width))
    while not publisher.get_subscription_count():
        time.sleep(0.01)
    print('ready', flush=True)
    while not told:
        rclpy.spin_once(node, timeout_sec=0.1)
    time.sleep(1.0)  # the node looks at its publishers, and all cameras are there
    start = time.monotonic()
    for number in range(frames):
        time.sleep(max(0.0, start + number / rate - time.monotonic()))
        message = writer.fill(picture, Header(frame_id='camera'))
        now = time.time_ns()
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(now, NANOSECONDS)
        publisher.publish(message)
    print(f'published {frames} in {time.monotonic() - start + 1 / rate:.2f} s', flush=True)
    time.sleep(3.0)  # the last mask, and the last diagnostics
    node.destroy_node()
    rclpy.try_shutdown()


if __name__ == '__main__':
    publish(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]))
