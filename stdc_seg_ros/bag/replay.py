"""Replay a bag through the real node: player, node and recorder are processes of their own."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from stdc_core.errors import InvalidArgumentError
from stdc_seg_ros.bag.bag_reader import COMPRESSED_IMAGE, BagReader, find_image_topic
from stdc_seg_ros.bag.mask_files import empty_mask_folder
from stdc_seg_ros.bag.mask_recorder import MaskRecorder, Seen
from stdc_seg_ros.processes.child_process import ChildProcess
from stdc_seg_ros.processes.private_domain import private_domain
from stdc_seg_ros.transport import tune_transport

NODE = 'segmentation_node'
START_S = 120.0  # for the node to open its engine; numba compiles the tail at the first start
JOIN_S = 60.0  # for node, player and recorder to find each other
DRAIN_S = 10.0  # after the last image, for the frames in hand and the last diagnostics
SETTLE_S = 1.0  # after the last image, for it to be taken by the node
COMPRESSED_SUFFIX = '/compressed'


@dataclass(frozen=True)
class ReplayConfig:
    """What is replayed, and how.

    :param bag: folder or file.
    :param topic: with the images; None where the bag has only one.
    :param output: folder for masks and logs, there already.
    :param rate: of time: 2 plays twice as fast.
    :param parameters: of the node, by name.
    :param clock_hz: publish /clock so often, and let the node run by it; None for neither.
    """

    bag: Path
    output: Path
    topic: str | None = None
    rate: float = 1.0
    parameters: Mapping[str, str] = field(default_factory=dict)
    clock_hz: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.rate < math.inf:
            raise InvalidArgumentError(f'rate is {self.rate}, expected above 0')


@dataclass(frozen=True)
class ReplayResult:
    """What came of it.

    :param masks: folder of the masks, ``STAMP.png``.
    :param latencies_ms: from an image's publication to its mask's arrival, by stamp; without
        masks whose image the recorder missed; below 0 where the system's clock was put back.
    :param seconds: from the first image to the last image or mask, without what was waited for
        before and after; 0 where the recorder saw none.
    :param camera: last values of the node's diagnostics about the camera: ledger, latencies.
    :param engine: likewise about the engine.
    """

    masks: Path
    latencies_ms: Mapping[int, float]
    seconds: float
    camera: Mapping[str, str]
    engine: Mapping[str, str]


def replay(
    config: ReplayConfig, on_progress: Callable[[float, Seen], None] = lambda share, seen: None
) -> ReplayResult:
    """Play a bag through the node and take down all it publishes.

    :param on_progress: called a few times a second with the share of the bag that is played.
    :raises BagError: the bag or the topic.
    :raises ChildProcessError: player or node ended; with what they said.
    """
    with BagReader(config.bag, salvage=True) as reader:
        topic = find_image_topic(reader, config.topic)
        compressed = reader.topic(topic).type == COMPRESSED_IMAGE
        expected_s = reader.duration_s / config.rate
    environment = private_domain()
    os.environ.update(environment)
    masks = empty_mask_folder(config.output)
    tune_transport()
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    recorder = MaskRecorder(topic, compressed, NODE, masks)
    executor = SingleThreadedExecutor()
    executor.add_node(recorder)
    try:
        with ChildProcess(
            'stdc_seg_ros.segmentation_node',
            _node_words(config, topic, compressed),
            config.output / 'node.log',
            environment,
        ) as node:
            node.wait_for('active: ', START_S)
            words = [str(config.bag), '--topics', topic, '--rate', str(config.rate)]
            words += ['--wait', '2']  # for node and recorder
            if config.clock_hz is not None:
                words += ['--clock', str(config.clock_hz)]
            log = config.output / 'play_bag.log'
            with ChildProcess('stdc_seg_ros.bag.play_bag', words, log, environment) as player:
                started = _join(executor, recorder, node, player)
                while player.exit_code is None:
                    _spin(executor, 0.2)
                    if node.exit_code is not None:
                        raise node.failure(f'ended with code {node.exit_code} during the replay')
                    share = (time.monotonic() - started) / max(expected_s, 1e-3)
                    on_progress(min(share, 1.0), recorder.seen())
                if player.exit_code != 0:
                    raise player.failure(f'ended with code {player.exit_code}')
            _drain(executor, recorder, time.monotonic())
            on_progress(1.0, recorder.seen())
            if code := node.end():
                raise node.failure(f'ended with code {code} when it was told to')
    finally:
        executor.shutdown()
        recorder.destroy_node()
        rclpy.try_shutdown()
        recorder.close()
    camera, engine = (recorder.statuses.get(name, {}) for name in ('image', 'engine'))
    return ReplayResult(
        masks,
        recorder.latencies_ms(),
        recorder.seconds(),
        camera,
        engine,
    )


def _node_words(config: ReplayConfig, topic: str, compressed: bool) -> list[str]:
    base = topic.removesuffix(COMPRESSED_SUFFIX) if compressed else topic
    transport = 'compressed' if compressed else 'raw'
    words = ['--ros-args', '-r', f'image:={base}', '-p', f'image_transport:={transport}']
    # As the player offers; auto would find that out, and subscribe anew while it begins.
    parameters = {'reliability': 'reliable', **config.parameters}
    if config.clock_hz is not None:
        parameters['use_sim_time'] = 'true'
    for name, value in parameters.items():
        words += ['-p', f'{name}:={value}']
    return words


def _join(
    executor: SingleThreadedExecutor,
    recorder: MaskRecorder,
    node: ChildProcess,
    player: ChildProcess,
) -> float:
    """Wait until the recorder listens, or one of them ended: when that was, monotonic seconds."""
    deadline = time.monotonic() + JOIN_S
    while node.exit_code is None and player.exit_code is None and not recorder.join():
        if time.monotonic() > deadline:
            raise node.failure(
                f'and the player did not find each other in {JOIN_S:g} s (doctor measures why)'
            )
        _spin(executor, 0.1)
    return time.monotonic()


def _spin(executor: SingleThreadedExecutor, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        executor.spin_once(left)


def _drain(executor: SingleThreadedExecutor, recorder: MaskRecorder, ended_at: float) -> None:
    """Wait for diagnostics that were made after the end and know of nothing in flight."""
    deadline = time.monotonic() + DRAIN_S
    while time.monotonic() < deadline:
        _spin(executor, 0.1)
        camera = recorder.statuses.get('image', {})
        if recorder.status_came_at > ended_at + SETTLE_S and camera.get('frames in flight') == '0':
            return
