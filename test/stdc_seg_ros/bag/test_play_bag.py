"""The player in a process of its own."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image

from stdc_core.errors import UserError
from stdc_seg_ros.bag.bag_reader import BagReader
from stdc_seg_ros.bag.bag_writer import IMAGE_TOPIC, INFO_TOPIC, BagConfig, write_bag
from stdc_seg_ros.bag.play_bag import play_bag
from stdc_seg_ros.image_messages import decode_image

PLAY = 'import sys; from stdc_seg_ros.bag.command_line import play_bag; sys.exit(play_bag())'
DEADLINE_S = 60
QUEUE = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)


@pytest.fixture
def bag_path(tmp_path, drive):
    return write_bag(tmp_path / 'drive', drive, BagConfig(rate_hz=10)).path


@pytest.fixture
def play():
    """Start players; they are gone at the end of the test."""
    players = []

    def start(*arguments) -> subprocess.Popen:
        command = [sys.executable, '-c', PLAY, *map(str, arguments)]
        pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE}
        players.append(subprocess.Popen(command, text=True, **pipes))
        return players[-1]

    yield start
    for player in players:
        player.kill()
        player.communicate()


@pytest.fixture
def spin():
    """Subscribe in this process, and spin until something is so."""
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('listener', context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)

    def until(subscriptions, reached) -> None:
        for message_type, topic, callback in subscriptions:
            node.create_subscription(message_type, topic, callback, QUEUE)
        deadline = time.monotonic() + DEADLINE_S
        while not reached():
            assert time.monotonic() < deadline
            executor.spin_once(timeout_sec=0.1)

    yield until
    executor.shutdown()
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_every_frame_arrives_whole_and_in_order(bag_path, drive, play, spin):
    player = play(bag_path, '--wait', '1', '--clock', '20')
    images, infos, clocks = [], [], []
    spin(
        [
            (Clock, '/clock', clocks.append),
            (CameraInfo, INFO_TOPIC, infos.append),
            (Image, IMAGE_TOPIC, images.append),
        ],
        lambda: len(images) >= len(drive) and len(infos) >= len(drive),
    )
    output, errors = player.communicate(timeout=DEADLINE_S)
    assert player.returncode == 0, errors
    assert f'playing {bag_path}: {IMAGE_TOPIC} (7), {INFO_TOPIC} (7)' in output
    assert f'{IMAGE_TOPIC}: 7 messages' in output
    assert not errors
    np.testing.assert_array_equal(
        [decode_image(image).pixels for image in images], [picture.image for picture in drive]
    )
    with BagReader(bag_path) as bag:
        recorded = [
            (message.header.stamp.sec, message.header.stamp.nanosec)
            for _, message in bag.read(IMAGE_TOPIC)
        ]
    assert [(image.header.stamp.sec, image.header.stamp.nanosec) for image in images] == recorded
    assert [info.header for info in infos] == [image.header for image in images]
    assert {clock.clock.sec for clock in clocks} == {recorded[0][0]}


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_at_once_and_without_a_fault(bag_path, play, number):
    player = play(bag_path, '--loop')
    assert player.stdout.readline().startswith('playing')
    player.send_signal(number)
    output, errors = player.communicate(timeout=5)
    assert player.returncode == 0
    assert f'{IMAGE_TOPIC}: ' in output
    assert not errors


def test_it_waits_for_as_many_subscribers_as_asked(bag_path, play, spin):
    player = play(bag_path, '--wait', '2')
    images = []
    first = (Image, IMAGE_TOPIC, lambda message: images.append(1))
    second = (Image, IMAGE_TOPIC, lambda message: images.append(2))
    until = time.monotonic() + 2.5  # by then one alone would have been served
    spin([first], lambda: time.monotonic() > until)
    assert not images
    spin([second], lambda: images.count(1) >= 7 and images.count(2) >= 7)
    assert player.wait(timeout=DEADLINE_S) == 0


def test_a_signal_ends_the_wait_for_a_subscriber(bag_path, play):
    player = play(bag_path, '--wait', '1')
    assert player.stdout.readline().startswith('playing')
    player.send_signal(signal.SIGTERM)
    assert not player.communicate(timeout=5)[1]
    assert player.returncode == 0


def test_chosen_topics_alone_are_played_as_fast_as_asked(bag_path, play):
    player = play(bag_path, '--topics', INFO_TOPIC, '--rate', '50')
    output, errors = player.communicate(timeout=DEADLINE_S)
    assert player.returncode == 0, errors
    assert output.splitlines()[0] == f'playing {bag_path}: {INFO_TOPIC} (7)'
    assert output.splitlines()[1].startswith(f'{INFO_TOPIC}: 7 messages')
    assert len(output.splitlines()) == 2


@pytest.mark.parametrize(
    ('arguments', 'expected'),
    [
        (
            {'topics': ('/front',)},
            r'has no topic /front \(topics: .*/camera/image_raw \[',
        ),
        ({'topics': (IMAGE_TOPIC, IMAGE_TOPIC)}, 'expected each once'),
        ({'rate': -1}, 'rate is -1, expected above 0'),
        ({'wait': -1}, 'wait is -1, expected at least 0'),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_published(bag_path, arguments, expected):
    with pytest.raises(UserError, match=expected):
        play_bag(bag_path, **arguments)
