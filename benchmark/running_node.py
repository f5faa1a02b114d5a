"""Runs the real node, cameras and a listener in processes of their own, for benchmarks."""

import functools
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import rclpy
from camera import GO_QOS, NAMESPACE, NANOSECONDS
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import Empty

from stdc_seg_ros.processes.child_process import ChildProcess
from stdc_seg_ros.processes.private_domain import private_domain
from stdc_seg_ros.transport import tune_transport

START_S = 120.0


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


@dataclass(frozen=True)
class CameraRun:
    """What came of one camera.

    :param seconds: it published.
    :param latencies_ms: of every mask, from its image's publication until it was here.
    :param diagnostics: the node's last ones of it and of the engine.
    """

    seconds: float
    latencies_ms: Sequence[float]
    diagnostics: Mapping[str, str]


@dataclass(frozen=True)
class NodeRun:
    """What came of all of them.

    :param cameras: by name; an only camera is ``image``.
    :param cpu_shares: of the time while they published.
    """

    cameras: Mapping[str, CameraRun]
    load_before: float
    cpu_shares: Mapping[str, float]


def run_node(
    parameters: Mapping[str, str],
    cameras: Sequence[str],
    size: tuple[int, int],
    rate: float,
    frames: int,
    watch: Callable[[int, Mapping[str, Sequence[float]]], None] = lambda pid, latencies_ms: None,
) -> NodeRun:
    """Run the node on cameras that begin together.

    :param parameters: of the node, but for ``cameras``.
    :param cameras: their names; empty for an only one, without a name.
    :param size: height and width of their images.
    :param rate: images a second, of each.
    :param frames: images of each.
    :param watch: called at least ten times a second with the node's process id and the latencies
        so far, of each camera's masks.
    :raises ChildProcessError: the node or a camera ended; with what it said.
    """
    topics = {name: f'{name}/image' for name in cameras} or {'image': 'image'}
    # As the cameras offer; auto would find that out, and subscribe anew while they begin.
    parameters = {'reliability': 'reliable', **parameters}
    if cameras:
        parameters = {**parameters, 'cameras': f'[{", ".join(cameras)}]'}
    words = ['--ros-args', '-r', f'__ns:={NAMESPACE}']
    for name, value in parameters.items():
        words += ['-p', f'{name}:={value}']
    load = os.getloadavg()[0]
    environment = private_domain()
    os.environ.update(environment)
    tune_transport()
    rclpy.init()
    with ExitStack() as stack:
        stack.callback(rclpy.try_shutdown)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='benchmark_')))
        listener = _Listener([name for name in topics if cameras])
        stack.callback(listener.destroy_node)
        executor = SingleThreadedExecutor()
        executor.add_node(listener)
        log = folder / 'node.log'
        node = ChildProcess('stdc_seg_ros.segmentation_node', words, log, environment)
        stack.enter_context(node)
        node.wait_for('active: ', START_S)
        sources = []
        path = {'PYTHONPATH': os.pathsep.join(filter(None, sys.path))}  # with this folder
        for name, topic in topics.items():
            what = [topic, *map(str, (*size, rate, frames))]
            log = folder / f'{name}.log'
            sources.append(ChildProcess('camera', what, log, {**environment, **path}))
            stack.enter_context(sources[-1])
        for source in sources:
            source.wait_for('ready', START_S)
        before = CpuTimes.now()
        listener.go()
        while any(source.exit_code is None for source in sources):
            executor.spin_once(timeout_sec=0.1)
            watch(node.pid, listener.latencies_ms)
            if node.exit_code is not None:
                raise node.failure(f'ended with code {node.exit_code}')
        shares = CpuTimes.now().shares_since(before)
        for source in sources:
            if source.exit_code:
                raise source.failure(f'ended with code {source.exit_code}')
        runs = {
            name: CameraRun(
                _seconds(folder / f'{name}.log'),
                listener.latencies_ms[name],
                listener.diagnostics[name] | listener.diagnostics['engine'],
            )
            for name in topics
        }
    return NodeRun(runs, load, shares)


class _Listener(Node):
    """Times every mask, keeps the node's newest diagnostics, and lets the cameras begin."""

    def __init__(self, cameras: Sequence[str]) -> None:
        super().__init__('mask_listener', namespace=NAMESPACE)
        self.latencies_ms: dict[str, list[float]] = {}
        self.diagnostics: dict[str, dict[str, str]] = {}
        qos = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
        for name in cameras or ['image']:
            topic = f'segmentation_node/{name}/mask' if cameras else 'segmentation_node/mask'
            latencies = self.latencies_ms[name] = []
            take = functools.partial(self._take_mask, latencies)
            self.create_subscription(Image, topic, take, qos)
        self.create_subscription(DiagnosticArray, '/diagnostics', self._take_diagnostics, 10)
        self._go = self.create_publisher(Empty, 'go', GO_QOS)

    def go(self) -> None:
        self._go.publish(Empty())

    def _take_mask(self, latencies: list[float], message: Image) -> None:
        stamp = message.header.stamp
        age_ns = time.time_ns() - (stamp.sec * NANOSECONDS + stamp.nanosec)
        latencies.append(1e-6 * age_ns)

    def _take_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            task = status.name.rpartition(': ')[2]
            self.diagnostics[task] = {entry.key: entry.value for entry in status.values}


def _seconds(log: Path) -> float:
    """Read how long a camera published."""
    return float(log.read_text().rpartition(' in ')[2].removesuffix(' s\n'))
