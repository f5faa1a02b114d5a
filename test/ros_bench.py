"""Fixtures: cameras and subscribers of the tests' own, and the real node in a child process.

Every test process has a ROS domain and a namespace of its own, and nothing leaves the machine.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
DOMAIN = 1 + os.getpid() % 100  # above 101 the ports are those the kernel gives to clients
DEADLINE_S = 60  # beside a training a node gets a fifth of a core


def wait_for(what, condition, timeout_s=DEADLINE_S):
    """Poll until ``condition()`` gives something true, and return that."""
    try:
        return _poll(condition, timeout_s)
    except TimeoutError:
        pytest.fail(f'waited {timeout_s} s for {what() if callable(what) else what}')


class Collector:
    """Messages of one topic, when they were sent and when they came (ns since the epoch)."""

    def __init__(self, bench, message_type, topic, qos):
        self.messages, self.sent, self.times = [], [], []
        self._came = threading.Condition()
        self._bench = bench
        self.subscription = bench.node.create_subscription(message_type, topic, self._take, qos)

    def _take(self, message, info):
        with self._came:
            self.times.append(time.time_ns())
            self.sent.append(info['source_timestamp'])
            self.messages.append(message)
            self._came.notify_all()

    def wait(self, what, matches=lambda message: True, timeout_s=DEADLINE_S):
        """Return the first message that matches, now or later."""

        def first():
            return next((message for message in self.messages if matches(message)), None)

        with self._came:
            if not self._came.wait_for(lambda: first() is not None, timeout_s):
                pytest.fail(f'no {what} on {self.subscription.topic_name} in {timeout_s} s')
            return first()

    def clear(self):
        with self._came:
            self.messages.clear()
            self.sent.clear()
            self.times.clear()

    def close(self):
        self._bench.call(lambda: self._bench.node.destroy_subscription(self.subscription))


class Bench:
    """A ROS node of the tests, spinning in a thread."""

    def __init__(self, namespace):
        import rclpy
        from rclpy.context import Context
        from rclpy.executors import SingleThreadedExecutor

        from stdc_seg_ros.transport import tune_transport

        os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
        tune_transport()
        self.context = Context()
        rclpy.init(context=self.context, domain_id=DOMAIN)
        self.namespace = namespace
        self.node = rclpy.create_node('bench', context=self.context, namespace=namespace)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self._thread = threading.Thread(target=self._spin)
        self._thread.start()

    def _spin(self):
        from rclpy.executors import ExternalShutdownException, ShutdownException

        with contextlib.suppress(ExternalShutdownException, ShutdownException):
            self.executor.spin()

    def call(self, function):
        """Run a function in the executor's thread and return what it returns.

        What an executor waits for is made and destroyed in its own thread, or it may crash.
        """
        task = self.executor.create_task(function)
        wait_for('the executor', task.done)
        return task.result()

    def collect(self, message_type, topic, *, reliable=True, latched=False, depth=200):
        from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

        qos = QoSProfile(
            depth=depth,
            reliability=(
                ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
            ),
            durability=(
                DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
            ),
        )
        return self.call(lambda: Collector(self, message_type, topic, qos))

    def service(self, service_type, name, request):
        client = self.call(lambda: self.node.create_client(service_type, name))
        try:
            assert client.wait_for_service(DEADLINE_S), name
            future = client.call_async(request)
            wait_for(f'the answer of {name}', future.done)
            return future.result()
        finally:
            self.call(lambda: self.node.destroy_client(client))

    def close(self):
        self.executor.shutdown()
        self._thread.join()
        self.node.destroy_node()
        self.context.try_shutdown()


class Camera:
    """Publishes images on ``image`` of the bench's namespace and numbers them by their stamps."""

    def __init__(self, bench, *, reliable=True, message_type=None, topic='image'):
        from rclpy.qos import QoSProfile, ReliabilityPolicy
        from sensor_msgs.msg import Image

        policy = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
        self.bench = bench
        self.published = 0
        qos = QoSProfile(depth=1, reliability=policy)
        self._publisher = bench.call(
            lambda: bench.node.create_publisher(message_type or Image, topic, qos)
        )

    def wait_matched(self):
        """Until the node subscribes, with the reliability this camera offers."""
        wait_for('a subscriber', self.reliability_of_node)
        return self

    def reliability_of_node(self):
        infos = self.bench.node.get_subscriptions_info_by_topic(self._publisher.topic_name)
        if not infos or not self._publisher.get_subscription_count():
            return None
        return infos[0].qos_profile.reliability.name.lower()

    def publish(self, message):
        """Publish with a stamp of its own, by which its masks are found."""
        now = time.time_ns()
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(now, 1_000_000_000)
        self._publisher.publish(message)
        self.published += 1
        return message

    def close(self):
        """Stop publishing; a second call does nothing."""
        self.bench.call(lambda: self.bench.node.destroy_publisher(self._publisher))


class NodeProcess:
    """The real node in a child process.

    :param python_path: folders in front of ours.
    """

    PROGRAM = ('-m', 'stdc_seg_ros.segmentation_node')

    def __init__(
        self,
        parameters,
        namespace,
        log_dir,
        program=PROGRAM,
        python_path=(),
        more_environment=None,
    ):
        command = [sys.executable, *map(str, program), '--ros-args']
        command += ['-r', f'__ns:={namespace}', '--params-file', ROOT / 'config/segment.yaml']
        for name, value in parameters.items():
            command += ['-p', f'{name}:={value}']
        environment = {
            **os.environ,
            'ROS_DOMAIN_ID': str(DOMAIN),
            'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
            'ROS_LOG_DIR': str(log_dir),
            'PYTHONPATH': os.pathsep.join(map(str, (*python_path, ROOT))),
            **(more_environment or {}),
        }
        self.lines = []
        self._process = subprocess.Popen(
            command,
            env=environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        with self._process.stdout as lines:
            for line in lines:
                self.lines.append(line)

    @property
    def output(self):
        return ''.join(self.lines)

    def wait_line(self, text, timeout_s=120):
        def found():
            if any(text in line for line in self.lines):
                return True
            if self._process.poll() is not None:
                self._reader.join()
                pytest.fail(f'the node ended before it said {text!r}:\n{self.output}')
            return False

        wait_for(lambda: f'{text!r} in:\n{self.output}', found, timeout_s)
        return self

    @property
    def exit_code(self):
        """None while it runs."""
        return self._process.poll()

    def wait_end(self, timeout_s):
        """Exit code; a process that goes on is killed and is a failure."""
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            pytest.fail(f'the node did not end in {timeout_s} s:\n{self.output}')
        self._reader.join()
        return code

    def send_signal(self, number):
        self._process.send_signal(number)

    def close(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join()


def image_message(pixels, encoding='rgb8', *, padding=0, frame_id='camera_optical'):
    """Make an image message without the code under test; rows may be padded with noise."""
    from sensor_msgs.msg import Image

    height, width, channels = pixels.shape
    rows = pixels.reshape(height, width * channels)
    noise = np.random.default_rng(7).integers(0, 256, (height, padding), dtype=np.uint8)
    message = Image(height=height, width=width, encoding=encoding, step=width * channels + padding)
    message.data.frombytes(np.hstack([rows, noise]).tobytes())
    message.header.frame_id = frame_id
    return message


def pixels_of(message):
    """Read an unpadded image message."""
    channels = {'mono8': 1, 'rgb8': 3}[message.encoding]
    assert message.step == message.width * channels
    shape = (message.height, message.width, channels)[: 2 + (channels > 1)]
    return np.frombuffer(message.data, np.uint8).reshape(shape)


def stamp_of(message):
    return message.header.stamp.sec, message.header.stamp.nanosec


def ask(camera, message, *collectors):
    """Send an image until one came back on every topic, and return the answers to that one.

    The first may go where nobody hears it yet: discovery takes its time.
    """
    sent = set()

    def answers():
        sent.add(stamp_of(camera.publish(message)))
        with contextlib.suppress(TimeoutError):
            return _poll(complete, 1.0)

    def complete():
        for stamp in sent:
            found = [
                [message for message in list(collector.messages) if stamp_of(message) == stamp]
                for collector in collectors
            ]
            if all(found):
                return [messages[0] for messages in found]
        return None

    return wait_for('an answer', answers)


def _poll(condition, timeout_s):
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)
    return found


@pytest.fixture(scope='module')
def bench(request):
    name = request.module.__name__.rpartition('.')[2]
    bench = Bench(f'/p{os.getpid()}/{name}')
    yield bench
    bench.close()


@pytest.fixture(scope='module')
def start_node(bench, tmp_path_factory):
    """Start the node in a process of its own; what still runs is ended with the module."""
    nodes = []

    def start(**parameters):
        node = NodeProcess(parameters, bench.namespace, tmp_path_factory.mktemp('log'))
        nodes.append(node)
        return node

    yield start
    for node in nodes:
        node.close()
