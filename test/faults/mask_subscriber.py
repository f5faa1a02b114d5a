"""A subscriber that can be stopped and killed: ``python -m faults.mask_subscriber TOPIC``."""

import sys

import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image


def subscribe(topic):
    rclpy.init()
    node = rclpy.create_node('mask_subscriber')
    qos = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
    node.create_subscription(Image, topic, lambda mask: print('mask', flush=True), qos)
    rclpy.spin(node)


if __name__ == '__main__':
    subscribe(sys.argv[1])
