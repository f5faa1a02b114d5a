"""The GPU benchmark goes its whole way on the CPU; what it measures there means nothing."""

import importlib
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from stdc_core.engines import torch_cuda
from stdc_core.engines.torch_tail import TorchTail
from stdc_core.geometry import Size
from stdc_core.model_file import read_model_file
from stdc_core.tensorrt import gpu_probe

BENCHMARK = Path(__file__).parents[2] / 'benchmark'
SCRIPT = BENCHMARK / 'gpu.py'
MODEL = BENCHMARK.parent / 'models/stdc1_camvid.onnx'


@pytest.fixture
def load(monkeypatch):
    """Import a module of the benchmark's folder."""
    monkeypatch.syspath_prepend(str(BENCHMARK))
    return importlib.import_module


@pytest.mark.slow
def test_dry_run_does_every_part_that_needs_no_gpu(tmp_path):
    output = tmp_path / 'report.json'
    command = [sys.executable, SCRIPT, '--dry-run', '--budget', '900', '--output', output]
    result = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=1200)
    assert result.returncode == 0, result.stderr[-5000:]
    report = json.loads(output.read_text())
    assert not report['failed'], result.stderr[-5000:]
    assert not report['left_out']
    parts, size = report['parts'], '64x128'
    correct = parts[f'correct_torch-cuda_fp16_{size}']
    assert correct['pixels_unlike_the_cpus_resize_and_tail'] == 0
    assert correct['pixels_unlike_themselves'] == 0
    assert correct['label_agreement_worst'] > 0.99
    assert 'tail torch' in parts['kernels']
    assert parts['tensorrt'].startswith('none: ')
    for batch in (1, 4):
        compiled = parts[f'compiled_{size}_batch_{batch}']
        for part, way in (('network', 'one call'), ('whole_frame', 'in turn')):
            figures = parts[f'{part}_{size}_batch_{batch}']
            for timing in (*figures.values(), *compiled[part].values()):
                assert timing['p50_ms'] > 0
                assert timing['images'] == batch
            assert figures['torch eager fp32 (authors)']['way'] == 'one call'
            assert figures['torch-cuda fp16']['way'] == (way if batch > 1 else 'one call')
        assert parts['floors'][f'{size}_batch_{batch}']['arithmetic_ms'] > 0
    assert parts['needs'][size]['gmacs'] > 0.1
    assert parts['endurance_frames_torch-cuda']['count'] == 20
    assert len(parts['endurance_frames_torch-cuda']['samples']) == 11
    assert len(report['must_show']) == 7
    assert all(each['met'] is not None for each in report['must_show'])
    table = result.stdout[-3000:]
    assert 'torch-cuda fp16 (whole frame: 4 in turn)' in table
    assert 'whole frame 64x128, batch 1, p50, ms: ' in table


def test_without_a_gpu_it_is_one_line():
    if torch.cuda.is_available():
        pytest.skip('there is a GPU')
    result = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True)
    assert result.returncode == 1
    assert 'finds no GPU (--dry-run does without)' in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_what_takes_too_long_or_fails_or_has_no_time_left_is_told_and_the_rest_is_done(
    load, tmp_path
):
    gpu_run = load('gpu_run')
    run = gpu_run.Run(tmp_path / 'report.json', end=time.monotonic() + 30, patience=2)

    def swallow():
        try:
            time.sleep(20)
        except Exception:
            return 'taken for its own'

    assert run.do(gpu_run.Part('slow', 0.1, swallow)) is None
    assert run.do(gpu_run.Part('broken', 1, lambda: 1 / 0)) is None
    assert run.do(gpu_run.Part('long', 31, lambda: 1)) is None
    assert run.do(gpu_run.Part('good', 1, lambda: 2)) == 2
    report = json.loads((tmp_path / 'report.json').read_text())
    assert report['failed']['slow'] == 'OverTimeError: not done after 0 s'
    assert report['failed']['broken'] == 'ZeroDivisionError: division by zero'
    assert report['left_out']['long'].startswith('takes 31 s, ')
    assert report['parts'] == {'good': 2}
    assert report['seconds'].keys() == {'slow', 'broken', 'good'}


def test_what_must_be_shown_comes_before_everything_else(load):
    gpu_all, gpu_parts = load('gpu_all'), load('gpu_parts')
    parts = list(
        gpu_all._in_order(gpu_parts.Parts(read_model_file(MODEL), dry=True), gpu_all.SIZES)
    )
    names = [part.name for part in parts]
    assert len(set(names)) == len(names)
    assert names[:6] == [
        'correct_torch-cuda_fp16_512x1024',
        'whole_frame_512x1024_batch_1',
        'network_512x1024_batch_1',
        'endurance_frames_torch-cuda',
        'endurance_openings_torch-cuda',
        'compiled_512x1024_batch_1',
    ]
    assert sum(part.cost_s for part in parts[:6]) < 200
    assert sum(part.cost_s for part in parts if 'compiled' not in part.name) < 300


def test_kernels_that_fail_in_a_process_of_their_own_are_not_used_in_this_one(
    load, monkeypatch, tmp_path
):
    gpu_all, gpu_parts = load('gpu_all'), load('gpu_parts')
    smoke = tmp_path / 'smoke.py'
    smoke.write_text("raise SystemExit('CUDA_ERROR_ILLEGAL_ADDRESS')")
    monkeypatch.setattr(gpu_all, 'SMOKE', smoke)
    monkeypatch.setattr(torch_cuda, 'open_tail', torch_cuda.open_tail)  # and back after the test
    found = gpu_all._try_kernels(gpu_parts.Parts(read_model_file(MODEL), dry=True))
    assert found.startswith('plain operations from here on')
    assert found.endswith('CUDA_ERROR_ILLEGAL_ADDRESS')
    assert torch_cuda.open_tail is TorchTail


def test_a_case_that_fails_leaves_the_others(load):
    timing = load('gpu_timing')
    closed = []

    def good(stack):
        stack.callback(closed.append, 'good')
        return lambda: None

    def unopened(stack):
        raise OSError('not there')

    cases = [
        timing.Case('good', good, 4, 'in turn'),
        timing.Case('unopened', unopened),
        timing.Case('broken', lambda stack: lambda: 1 / 0),
    ]
    device = torch.device('cpu')
    found = timing.time_cases(
        cases, lambda call: timing.time_calls(call, device, seconds=1, most=3)
    )
    assert list(found) == ['good', 'unopened', 'broken']
    assert found['good'].calls == 6
    assert (found['good'].images, found['good'].way) == (4, 'in turn')
    assert found['unopened'] == timing.Failure('OSError: not there')
    assert found['broken'] == timing.Failure('ZeroDivisionError: division by zero')
    assert closed == ['good']


def test_the_faster_of_our_engines_is_compared_with_what_was_wanted(load):
    timing, shown = load('gpu_timing'), load('gpu_table')

    def took(ms):
        return timing.Timing(ms, ms, ms, 1, [ms, ms], 1, 'one call')

    parts = {
        'whole_frame_512x1024_batch_1': {
            'torch eager fp32 (authors)': took(3.0),
            'torch-cuda fp16': took(0.8),
            'tensorrt fp16': took(0.5),
        },
        'network_512x1024_batch_1': {'torch-cuda fp16': timing.Failure('no')},
    }
    frame, ratio, network = shown.must_show(parts, Size(512, 1024))
    assert (frame.found, frame.met) == (0.5, True)
    assert (ratio.found, ratio.met) == (6.0, True)
    assert (network.found, network.met) == (None, None)


def test_frames_are_rendered_written_and_read_again(load, tmp_path):
    gpu_frames = load('gpu_frames')
    rendered = gpu_frames.render_frames(Size(45, 80), 2)
    assert not gpu_frames.has_frames(tmp_path)
    gpu_frames.write_frames(rendered, tmp_path)
    assert gpu_frames.has_frames(tmp_path)
    again = gpu_frames.read_frames(tmp_path)
    assert str(again) == '2 of 45x80, rendered'
    for ours, theirs in zip(again.at(Size(45, 80)), rendered.at(Size(45, 80)), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert again.at(Size(64, 128))[0].shape == (64, 128, 3)


def test_a_plan_is_built_once(load, monkeypatch, tmp_path):
    pytest.importorskip('tensorrt_rtx')
    gpu_plans = load('gpu_plans')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    monkeypatch.setattr(gpu_plans, 'find_gpu', lambda: gpu_probe.Gpu('a GPU', '9.0'))
    plans = gpu_plans.Plans(read_model_file(MODEL))
    built = plans.build(Size(64, 128), 'fp16')
    assert not built.reused
    assert plans.build(Size(64, 128), 'fp16') == gpu_plans.BuiltPlan(built.megabytes, True)
