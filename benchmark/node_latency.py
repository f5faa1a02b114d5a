"""Time images through the running node: a camera and a subscriber in processes of their own.

What it prints is the time from publishing an image until its mask is here, without the engine's.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import rclpy
import tyro
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from stdc_core.command_line.run_command import run_command
from stdc_core.errors import UserError
from stdc_core.geometry import Size
from stdc_core.processor import processor_name
from stdc_core.synthetic.drive import street_picture
from stdc_seg_ros.image_messages.write import ImageWriter
from stdc_seg_ros.transport import tune_transport

NANOSECONDS = 1_000_000_000
NAMESPACE = '/latency'
START_S = 120
WARM_UP = 20  # frames that are not counted


@dataclass(frozen=True)
class CpuTimes:
    """Of all processors since boot, in ticks."""

    busy: int
    stolen: int
    total: int

    @classmethod
    def now(cls) -> 'CpuTimes':
        """Read them."""
        fields = [
            int(field) for field in Path('/proc/stat').read_text().split('\n')[0].split()[1:]
        ]
        idle = fields[3] + fields[4]
        return cls(sum(fields[:8]) - idle, fields[7], sum(fields[:8]))

    def shares_since(self, before: 'CpuTimes') -> dict[str, float]:
        """Share of the time that was busy, and stolen by the hypervisor, 0..1."""
        total = max(self.total - before.total, 1)
        return {
            'busy': (self.busy - before.busy) / total,
            'stolen': (self.stolen - before.stolen) / total,
        }


class MaskListener(Node):
    """Times every mask and keeps the node's newest diagnostics."""

    def __init__(self) -> None:
        super().__init__('mask_listener', namespace=NAMESPACE)
        self.latencies_ms: list[float] = []
        self.diagnostics: dict[str, str] = {}
        qos = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
        self.create_subscription(Image, 'segmentation_node/mask', self._take_mask, qos)
        self.create_subscription(DiagnosticArray, '/diagnostics', self._take_diagnostics, 10)

    def _take_mask(self, message: Image) -> None:
        stamp = message.header.stamp
        age_ns = time.time_ns() - (stamp.sec * NANOSECONDS + stamp.nanosec)
        self.latencies_ms.append(1e-6 * age_ns)

    def _take_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self.diagnostics.update({entry.key: entry.value for entry in status.values})


def publish(height: int, width: int, rate: float, frames: int) -> None:
    """Be the camera: publish so many images, stamped as they are published."""
    tune_transport()
    rclpy.init()
    node = rclpy.create_node('camera', namespace=NAMESPACE)
    publisher = node.create_publisher(
        Image, 'image', QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
    )
    writer = ImageWriter('rgb8')
    picture = street_picture(Size(height, width))
    while not publisher.get_subscription_count():
        time.sleep(0.01)
    time.sleep(2.0)  # the node follows our reliability, and its statistics begin
    start = time.monotonic()
    for number in range(frames):
        time.sleep(max(0.0, start + number / rate - time.monotonic()))
        message = writer.fill(picture, Header(frame_id='camera'))
        now = time.time_ns()
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(now, NANOSECONDS)
        publisher.publish(message)
    time.sleep(3.0)  # the last mask, and the last diagnostics
    node.destroy_node()
    rclpy.try_shutdown()


def measure(
    model: Path,
    size: Annotated[tuple[int, int], tyro.conf.arg(metavar='H W')] = (720, 960),
    network_size: Annotated[tuple[int, int], tyro.conf.arg(metavar='H W')] = (96, 160),
    rate: float = 15.0,
    frames: int = 300,
    threads: int = 0,
    output: Path | None = None,
) -> None:
    """Time images through the running node.

    :param model: the model file (*.onnx).
    :param size: height and width of the camera's images.
    :param network_size: of the network's input; small, so that the engine keeps up.
    :param rate: images a second.
    :param frames: images in all; the first 20 are not counted.
    :param threads: the node's parameter.
    :param output: JSON file for the result.
    """
    if frames <= 2 * WARM_UP:
        raise UserError(f'--frames is {frames}, expected more than {2 * WARM_UP}')
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    os.environ['ROS_DOMAIN_ID'] = str(1 + os.getpid() % 100)
    tune_transport()
    rclpy.init()
    listener = MaskListener()
    executor = SingleThreadedExecutor()
    executor.add_node(listener)
    node = _start_node(model.resolve(), network_size, threads)
    try:
        _wait_active(node, executor, listener)
        before = CpuTimes.now()
        camera = subprocess.Popen(
            [sys.executable, __file__, 'camera', *map(str, (*size, rate, frames))]
        )
        while camera.poll() is None:
            executor.spin_once(timeout_sec=0.1)
        shares = CpuTimes.now().shares_since(before)
    finally:
        node.terminate()
        node.wait(10)
        listener.destroy_node()
        rclpy.try_shutdown()
    result = _result(listener, size, network_size, rate, frames, shares)
    for name, value in result.items():
        if not isinstance(value, list):
            print(f'{name:32}{value:.2f}' if isinstance(value, float) else f'{name:32}{value}')
    if output is not None:
        output.write_text(json.dumps(result, indent=1) + '\n')


def _start_node(
    model: Path, network_size: tuple[int, int], threads: int
) -> 'subprocess.Popen[bytes]':
    size = f'[{network_size[0]}, {network_size[1]}]'
    arguments = [
        '-r',
        f'__ns:={NAMESPACE}',
        '-p',
        f'model:={model}',
        '-p',
        f'network_size:={size}',
        '-p',
        f'threads:={threads}',
    ]
    command = [sys.executable, '-m', 'stdc_seg_ros.segmentation_node', '--ros-args', *arguments]
    return subprocess.Popen(command)


def _wait_active(
    node: 'subprocess.Popen[bytes]', executor: SingleThreadedExecutor, listener: MaskListener
) -> None:
    deadline = time.monotonic() + START_S
    while listener.diagnostics.get('lifecycle') != 'active':
        executor.spin_once(timeout_sec=0.1)
        if node.poll() is not None or time.monotonic() > deadline:
            raise UserError(f'the node did not become active in {START_S} s')


def _result(
    listener: MaskListener,
    size: tuple[int, int],
    network_size: tuple[int, int],
    rate: float,
    frames: int,
    shares: dict[str, float],
) -> dict[str, object]:
    latencies = listener.latencies_ms[WARM_UP:]
    if not latencies:
        raise UserError('no mask came')
    told = listener.diagnostics
    stages = ('transport', 'wait', 'decode', 'engine', 'publish_mask', 'whole')
    medians = {stage: float(told[f'{stage} p50 (ms)']) for stage in stages}
    p50 = statistics.median(latencies)
    return {
        'processor': processor_name(),
        'cores': len(os.sched_getaffinity(0)),
        'load before': os.getloadavg()[0],
        'processors busy': shares['busy'],
        'processors stolen': shares['stolen'],
        'image': f'{size[0]}x{size[1]} rgb8',
        'network': f'{network_size[0]}x{network_size[1]}',
        'threads': told['threads'],
        'images a second': rate,
        'images': frames,
        'masks': len(listener.latencies_ms),
        'ledger': ', '.join(
            f'{name} {told[f"frames {name}"]}'
            for name in ('published', 'processed', 'replaced', 'lost', 'in flight')
        ),
        **{f'{stage} p50 (ms)': value for stage, value in medians.items()},
        'image to mask p50 (ms)': p50,
        'image to mask p95 (ms)': float(np.percentile(latencies, 95)),
        'without the engine p50 (ms)': p50 - medians['engine'],
        'image to mask (ms)': [round(latency, 3) for latency in latencies],
    }


if __name__ == '__main__':
    if sys.argv[1:2] == ['camera']:
        publish(int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]))
    else:
        prog = 'benchmark/node_latency.py'
        sys.exit(run_command('node_latency', lambda: tyro.cli(measure, prog=prog)))
