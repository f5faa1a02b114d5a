"""What of the machine and the environment decides whether images arrive."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stdc_seg_ros.doctor.finding import Finding
from stdc_seg_ros.transport import PROFILE_VARIABLES

SEGMENT_BYTES = 16 << 20  # of the package's profile
PROCESSES = 3  # camera driver, node, and somebody who looks
SOCKET_BYTES = 2 << 20  # below it, UDP between machines loses images in bursts


@dataclass(frozen=True)
class Machine:
    """Facts, gathered once.

    :param shared_memory_free: bytes in /dev/shm; None where it is not there.
    :param receive_buffer: most bytes a socket's receive buffer may have; None where unknown.
    :param environment: variables of this process.
    """

    shared_memory_free: int | None
    receive_buffer: int | None
    environment: Mapping[str, str]


def look_around() -> Machine:
    """Gather the facts of this machine."""
    shared_memory = Path('/dev/shm')
    buffer = Path('/proc/sys/net/core/rmem_max')
    return Machine(
        shutil.disk_usage(shared_memory).free if shared_memory.is_dir() else None,
        int(buffer.read_text()) if buffer.is_file() else None,
        dict(os.environ),
    )


def judge_machine(machine: Machine) -> list[Finding]:
    """Say what may keep images from arriving."""
    return [
        _shared_memory(machine.shared_memory_free),
        _receive_buffer(machine.receive_buffer),
        _profile(machine.environment),
        _middleware(machine.environment),
    ]


def _shared_memory(free: int | None) -> Finding:
    subject, least = 'shared memory', PROCESSES * SEGMENT_BYTES
    if free is None:
        return Finding(
            'error', subject, 'there is no /dev/shm', 'mount a tmpfs there: images go by UDP now'
        )
    found = f'{free / 2**20:.0f} MiB free in /dev/shm'
    if free >= least:
        return Finding('ok', subject, found)
    return Finding(
        'error',
        subject,
        f'{found}, and {PROCESSES} processes reserve {least >> 20}',
        'give the container more (docker run --shm-size=512m), or delete what killed processes '
        'left: rm /dev/shm/fastdds_* /dev/shm/fastrtps_* while no ROS process runs',
    )


def _receive_buffer(most: int | None) -> Finding:
    subject = 'socket buffers'
    if most is None:
        return Finding('warning', subject, 'net.core.rmem_max cannot be read')
    found = f'net.core.rmem_max is {most}'
    if most >= SOCKET_BYTES:
        return Finding('ok', subject, found)
    return Finding(
        'warning',
        subject,
        f'{found}: images from another machine get lost in bursts',
        f'sudo sysctl -w net.core.rmem_max={SOCKET_BYTES}',
    )


def _profile(environment: Mapping[str, str]) -> Finding:
    subject = 'profile of Fast DDS'
    for name in PROFILE_VARIABLES:
        if path := environment.get(name):
            if Path(path).is_file():
                return Finding('ok', subject, f'{name}={path}')
            return Finding('error', subject, f'{name}={path}, which is not there', f'unset {name}')
    return Finding('ok', subject, 'none is set: this package uses its own for what it publishes')


def _middleware(environment: Mapping[str, str]) -> Finding:
    subject = 'middleware'
    name = environment.get('RMW_IMPLEMENTATION', '')
    if name in ('', 'rmw_fastrtps_cpp'):
        return Finding('ok', subject, name or 'the default one')
    return Finding(
        'warning',
        subject,
        f'{name}: it may give no sequence numbers, then nobody knows what was lost',
        'RMW_IMPLEMENTATION=rmw_fastrtps_cpp counts every lost frame',
    )
