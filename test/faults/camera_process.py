"""A camera that can be killed: ``python -m faults.camera_process TOPIC``; 15 Hz for ever."""

import sys
import time

import rclpy
from faults.scripted_camera import COUNT, RATE_HZ, make_pictures
from rclpy.qos import QoSProfile, ReliabilityPolicy
from ros_bench import image_message
from sensor_msgs.msg import Image

from stdc_seg_ros.transport import tune_transport


def publish(topic):
    tune_transport()
    rclpy.init()
    node = rclpy.create_node('camera_process')
    qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
    publisher = node.create_publisher(Image, topic, qos)
    messages = [image_message(picture) for picture in make_pictures()]
    while not publisher.get_subscription_count():
        time.sleep(0.01)
    print('ready', flush=True)
    number = 0
    while rclpy.ok():
        message = messages[number % COUNT]
        number += 1
        now = time.time_ns()
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(now, 1_000_000_000)
        publisher.publish(message)
        time.sleep(1 / RATE_HZ)


if __name__ == '__main__':
    publish(sys.argv[1])
