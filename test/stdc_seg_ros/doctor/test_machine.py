"""What is said of a machine, from its facts."""

import dataclasses

import pytest

from stdc_seg_ros.doctor.machine import Machine, judge_machine, look_around

HEALTHY = Machine(256 << 20, 4 << 20, {})


@pytest.mark.parametrize(
    ('changes', 'subject', 'level', 'words'),
    [
        ({'shared_memory_free': 40 << 20}, 'shared memory', 'error', '40 MiB free in /dev/shm'),
        ({'shared_memory_free': None}, 'shared memory', 'error', 'there is no /dev/shm'),
        ({'receive_buffer': 212992}, 'socket buffers', 'warning', 'rmem_max is 212992'),
        ({'receive_buffer': None}, 'socket buffers', 'warning', 'cannot be read'),
        (
            {'environment': {'FASTDDS_DEFAULT_PROFILES_FILE': '/gone.xml'}},
            'profile of Fast DDS',
            'error',
            'FASTDDS_DEFAULT_PROFILES_FILE=/gone.xml, which is not there',
        ),
        (
            {'environment': {'RMW_IMPLEMENTATION': 'rmw_cyclonedds_cpp'}},
            'middleware',
            'warning',
            'rmw_cyclonedds_cpp',
        ),
    ],
)
def test_what_is_wrong_is_named_and_nothing_else(changes, subject, level, words):
    findings = judge_machine(dataclasses.replace(HEALTHY, **changes))
    (bad,) = [finding for finding in findings if finding.level != 'ok']
    assert (bad.subject, bad.level) == (subject, level)
    assert words in bad.found


def test_a_healthy_machine_needs_no_fix():
    findings = judge_machine(HEALTHY)
    assert {finding.level for finding in findings} == {'ok'}
    assert not any(finding.fix for finding in findings)


def test_this_machine_can_be_looked_at():
    machine = look_around()
    assert machine.shared_memory_free is None or machine.shared_memory_free > 0
    assert 'PATH' in machine.environment
