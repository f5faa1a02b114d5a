"""Images between two processes, and what is said of them."""

import dataclasses
from pathlib import Path

import pytest

from stdc_core.timing import LatencySummary
from stdc_seg_ros.doctor import transport_probe
from stdc_seg_ros.doctor.image_stream import Stream
from stdc_seg_ros.doctor.transport_probe import ProbeResult, judge_transport, probe

STREAM = Stream(720, 1280, 30.0, 100, 'best_effort', tuned=False)
LATENCY = LatencySummary(1, 1.0, 2.0, 3.0, 4.0)
PROFILE = Path('/share/profile.xml')


@pytest.mark.parametrize(('received', 'level'), [(100, 'ok'), (98, 'ok'), (97, 'error')])
def test_few_lost_images_are_fine_and_more_are_not(received, level):
    finding = judge_transport(ProbeResult(STREAM, 100, received, LATENCY), PROFILE)
    assert finding.level == level
    assert finding.subject == '1280x720 rgb8 at 30 Hz, best effort, this environment'
    assert f'{received} of 100 arrived, p50 1.0' in finding.found
    assert ('FASTDDS_DEFAULT_PROFILES_FILE=/share/profile.xml' in finding.fix) == (level != 'ok')


def test_where_the_profile_does_not_help_the_machine_is_the_fault():
    stream = dataclasses.replace(STREAM, tuned=True)
    finding = judge_transport(ProbeResult(stream, 100, 0, None), PROFILE)
    assert finding.level == 'error'
    assert finding.found == '0 of 100 arrived, none came'
    assert 'too busy' in finding.fix


def test_processes_that_do_not_meet_are_found_as_such():
    finding = judge_transport(ProbeResult(STREAM, 0, 0, None), PROFILE)
    assert finding.level == 'error'
    assert finding.found == 'the two processes did not find each other in 15 s'
    assert 'ROS_DISCOVERY_SERVER' in finding.fix


@pytest.mark.slow
def test_a_sender_that_nobody_hears_sends_nothing(tmp_path, monkeypatch):
    """Each side in a domain of its own: as a firewall would have it."""
    domains = iter([{'ROS_DOMAIN_ID': '70'}, {'ROS_DOMAIN_ID': '71'}])
    start = transport_probe.ChildProcess

    def apart(module, words, log, environment):
        return start(module, words, log, {**environment, **next(domains)})

    monkeypatch.setattr(transport_probe, 'ChildProcess', apart)
    result = probe(dataclasses.replace(STREAM, height=48, width=64), tmp_path)
    assert (result.sent, result.received, result.latency) == (0, 0, None)


def test_small_reliable_images_arrive(tmp_path):
    stream = Stream(48, 64, 50.0, 20, 'reliable', tuned=True)
    result = probe(stream, tmp_path)
    assert 15 <= result.received <= 20  # depth 1: a receiver that is kept waiting loses some
    assert result.latency.count == result.received
    assert result.latency.p50 > 0
