"""Statuses from facts, without a running node."""

import dataclasses

import pytest

from stdc_core.gpu import GpuFacts
from stdc_core.timing import LatencySummary
from stdc_seg_ros.camera_statistics import STAGES, CameraStatistics, ProcessingTime
from stdc_seg_ros.diagnostics import (
    camera_status,
    engine_status,
    gpu_values,
    latency_values,
    ledger_values,
    processing_values,
    status,
)
from stdc_seg_ros.frame_ledger import FrameLedger, LedgerSnapshot


def values_of(message):
    return {entry.key: entry.value for entry in message.values}


def test_the_whole_ledger_is_told():
    ledger = FrameLedger()
    ledger.set_active(True)
    for number in (1, 2, 5):
        ledger.received(b'camera', number)
    ledger.processed()
    values = ledger_values(ledger.snapshot())
    assert values['frames published'] == 5
    assert values['frames lost'] == 2
    assert values['ledger balance'] == 0
    assert len(values) == len(dataclasses.fields(LedgerSnapshot)) + 1


def test_an_unknown_loss_is_told_as_unknown():
    ledger = FrameLedger()
    ledger.set_active(True)
    ledger.received(None, None)
    values = ledger_values(ledger.snapshot())
    assert values['frames published'] == values['frames lost'] == 'unknown'


def test_latencies_before_the_first_frame_are_not_available():
    values = latency_values(CameraStatistics().summaries())
    assert len(values) == 4 * len(STAGES)
    message = status('node: image', 'ok', '', '', values)
    assert set(values_of(message).values()) == {'n/a'}


def test_figures_have_their_unit_in_the_name():
    values = latency_values({'whole': LatencySummary(3, 1.0, 2.0, 2.5, 3.0)})
    assert values == {
        'whole p50 (ms)': 1.0,
        'whole p95 (ms)': 2.0,
        'whole p99 (ms)': 2.5,
        'whole max (ms)': 3.0,
    }
    message = status('node: image', 'warning', 'slow', '/image', values)
    assert (message.level, message.name, message.hardware_id) == (b'\x01', 'node: image', '/image')
    assert values_of(message)['whole p99 (ms)'] == '2.50'


def test_a_frame_that_took_too_long_is_told_as_autoware_does():
    now = [100.0]
    processing = ProcessingTime(clock=lambda: now[0])
    assert processing_values(processing) == {
        'processing_time_ms': None,
        'is_processing_time_ms_in_expected_range': True,
        'consecutive_processing_delay_ms': 0.0,
        'is_consecutive_processing_delay_in_range': True,
    }
    for duration_ms in (39.0, 41.0, 55.0):
        processing.add(duration_ms, limit_ms=40.0)
        now[0] += 0.5
    assert processing_values(processing) == {
        'processing_time_ms': 55.0,
        'is_processing_time_ms_in_expected_range': False,
        'consecutive_processing_delay_ms': 1000.0,
        'is_consecutive_processing_delay_in_range': False,
    }
    processing.add(55.0, limit_ms=0.0)
    assert processing.late_for_s is None


def test_an_unconfigured_node_has_two_statuses_that_say_so():
    image = camera_status('node: image', 'unconfigured', None, False)
    engine = engine_status('node: engine', 'unconfigured', '', None, None, '', [])
    for message in (image, engine):
        assert (message.level, message.message) == (b'\x00', 'unconfigured')


@pytest.mark.parametrize('lifecycle', ['unconfigured', 'inactive'])
def test_why_a_transition_failed_is_an_error(lifecycle):
    message = engine_status('node: engine', lifecycle, 'no such model', None, None, '', [])
    assert (message.level, message.message) == (b'\x02', 'no such model')


def test_gpus_are_told_as_far_as_they_tell():
    gpus = [
        GpuFacts(0, 'RTX 4000 Ada', 1200 << 20, 20475 << 20, 61),
        GpuFacts(1, 'Orin', None, None, 47),
    ]
    assert gpu_values(gpus) == {
        'GPU 0: name': 'RTX 4000 Ada',
        'GPU 0: memory used (MiB)': 1200.0,
        'GPU 0: memory total (MiB)': 20475.0,
        'GPU 0: temperature (°C)': 61,
        'GPU 1: name': 'Orin',
        'GPU 1: temperature (°C)': 47,
    }
    message = engine_status('node: engine', 'active', '', None, None, '', gpus)
    assert values_of(message)['GPU 1: temperature (°C)'] == '47'


def test_without_a_gpu_no_key_speaks_of_one():
    message = engine_status('node: engine', 'active', '', None, None, '', [])
    assert not any('GPU' in key for key in values_of(message))
