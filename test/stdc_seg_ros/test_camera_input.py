"""Which topics a camera is read from, and when its subscription is made anew, without spinning."""

import os
import time

import pytest
from ros_bench import wait_for

from stdc_seg_ros.camera_input import CameraInput


@pytest.fixture
def make_input(ros_context):
    from rclpy.lifecycle import LifecycleNode

    nodes = []

    def make(*remaps, transport='raw', reliability='auto'):
        arguments = ['--ros-args', *(word for remap in remaps for word in ('-r', remap))]
        node = LifecycleNode(f'input_p{os.getpid()}', context=ros_context, cli_args=arguments)
        nodes.append(node)
        return CameraInput(node, 'image', transport, reliability, lambda arrival: None)

    yield make
    for node in nodes:
        node.destroy_node()


@pytest.mark.parametrize(
    ('remaps', 'transport', 'topic', 'camera_info'),
    [
        ((), 'raw', '/image', '/camera_info'),
        (('__ns:=/robot',), 'raw', '/robot/image', '/robot/camera_info'),
        (('image:=/front/image_raw',), 'raw', '/front/image_raw', '/front/camera_info'),
        (
            ('image:=/front/image_raw',),
            'compressed',
            '/front/image_raw/compressed',
            '/front/camera_info',
        ),
        (
            ('image:=/front/image_raw', 'camera_info:=/calibrated'),
            'raw',
            '/front/image_raw',
            '/calibrated',
        ),
    ],
)
def test_camera_info_is_looked_for_beside_the_images(
    make_input, remaps, transport, topic, camera_info
):
    found = make_input(*remaps, transport=transport)
    assert (found.topic, found.camera_info_topic) == (topic, camera_info)


def test_a_camera_that_comes_again_finds_the_subscription_it_left(make_input, ros_context):
    import rclpy
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import Image

    camera = rclpy.create_node(f'camera_p{os.getpid()}', context=ros_context)
    found = make_input(f'image:=/p{os.getpid()}/image')
    found.open()
    assert found.reliability == ReliabilityPolicy.BEST_EFFORT
    qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
    publisher = camera.create_publisher(Image, found.topic, qos)
    wait_for('the publisher', lambda: found.review().matched == 1)
    assert found.reliability == ReliabilityPolicy.RELIABLE
    subscription = found._images
    camera.destroy_publisher(publisher)
    wait_for('its end', lambda: found.review().count == 0)
    assert found.reliability == ReliabilityPolicy.RELIABLE
    assert found._images is subscription
    found.close()
    found.close()
    camera.destroy_node()


def test_what_the_middleware_says_of_a_message_is_taken_over(make_input):
    found = make_input()
    arrivals = []
    found._on_arrival = arrivals.append
    now = time.time_ns()
    kilted = {
        'source_timestamp': now - 7_000_000,
        'received_timestamp': now - 5_000_000,
        'publication_sequence_number': 9,
        'publisher_gid': {'implementation_identifier': 'x', 'data': b'gid'},
    }
    before = time.perf_counter()
    found._take_image('message', kilted)
    (arrival,) = arrivals
    assert (arrival.message, arrival.publisher, arrival.sequence) == ('message', b'gid', 9)
    assert arrival.transport_ms == pytest.approx(2.0)
    assert arrival.source_ns == now - 7_000_000
    assert arrival.received_at <= before - 0.004  # it had waited 5 ms for the executor

    nothing = {'source_timestamp': 0, 'received_timestamp': 0}
    found._take_image('message', nothing)
    assert (arrivals[1].publisher, arrivals[1].sequence) == (None, None)
    assert (arrivals[1].source_ns, arrivals[1].transport_ms) == (None, None)
