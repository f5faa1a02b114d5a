"""Loss and latency of image transport between two processes on this machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from stdc_core.timing import LatencySummary, LatencyWindow
from stdc_seg_ros.doctor.finding import Finding
from stdc_seg_ros.doctor.image_stream import MATCH_S, Stream, as_json
from stdc_seg_ros.processes.child_process import ChildProcess
from stdc_seg_ros.processes.private_domain import private_domain

MODULE = 'stdc_seg_ros.doctor.image_stream'
START_S = 60.0
ENOUGH = 0.98  # of the images
PROFILE_FIX = (
    'give the camera driver the profile of this package: '
    'FASTDDS_DEFAULT_PROFILES_FILE={profile} (on Jazzy FASTRTPS_DEFAULT_PROFILES_FILE)'
)
MEETING_FIX = (
    'nodes on this machine cannot find each other, whatever they send: see whether a firewall '
    'stops UDP on the loopback interface, and what the profile of Fast DDS, ROS_STATIC_PEERS and '
    'ROS_DISCOVERY_SERVER say'
)


@dataclass(frozen=True)
class ProbeResult:
    """What came of a stream.

    :param sent: images; 0 where the two processes did not find each other.
    :param received: images.
    :param latency: publication to callback; None where nothing came.
    """

    stream: Stream
    sent: int
    received: int
    latency: LatencySummary | None


def probe(stream: Stream, folder: Path) -> ProbeResult:
    """Send a stream from one process to another, with this environment or the package's.

    :param folder: for their logs.
    :raises ChildProcessError: one of them did not do it.
    """
    environment = private_domain()
    with ChildProcess(
        MODULE, ['receive', as_json(stream)], folder / 'receive.log', environment
    ) as receiver:
        receiver.wait_for('ready', START_S)
        with ChildProcess(
            MODULE, ['send', as_json(stream)], folder / 'send.log', environment
        ) as sender:
            sender.wait_for('sent ', START_S + stream.count / stream.rate)
        if receiver.end():
            raise receiver.failure('failed')
    sent = int((folder / 'send.log').read_text().rpartition('sent ')[2])
    received = json.loads((folder / 'receive.log').read_text().rpartition('received ')[2])
    latencies = LatencyWindow(stream.count)
    for latency_ms in received:
        latencies.add(latency_ms)
    return ProbeResult(stream, sent, len(received), latencies.summary())


def judge_transport(result: ProbeResult, profile: Path) -> Finding:
    """Say whether images of that size get through like that.

    :param profile: of the package, for the fix.
    """
    stream = result.stream
    subject = (
        f'{stream.width}x{stream.height} rgb8 at {stream.rate:g} Hz, '
        f'{stream.reliability.replace("_", " ")}, '
        f'{"profile of this package" if stream.tuned else "this environment"}'
    )
    if not result.sent:
        found = f'the two processes did not find each other in {MATCH_S:g} s'
        return Finding('error', subject, found, MEETING_FIX)
    came = 'none came' if result.latency is None else str(result.latency)
    found = f'{result.received} of {result.sent} arrived, {came}'
    if result.received >= ENOUGH * result.sent:
        return Finding('ok', subject, found)
    if stream.tuned:
        fix = 'the machine is too busy, or /dev/shm too small for a segment of 16 MiB a process'
        return Finding('error', subject, found, fix)
    return Finding('error', subject, found, PROFILE_FIX.format(profile=profile))
