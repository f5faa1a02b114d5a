"""The GPU benchmark goes its whole way on the CPU; what it measures there means nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).parents[2] / 'benchmark/gpu.py'
NEEDS_GPU = {'tensorrt_plans', 'correct_tensorrt_fp16'}


@pytest.mark.slow
def test_dry_run_does_every_part_that_needs_no_gpu(tmp_path):
    output = tmp_path / 'report.json'
    command = [
        sys.executable,
        str(SCRIPT),
        '--dry-run',
        '--output',
        str(output),
        '--budget',
        '900',
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=1200)
    assert result.returncode == 0, result.stderr[-5000:]
    report = json.loads(output.read_text())
    failed = {name for name in report['failed'] if not name.startswith('compiled_')}
    assert failed <= NEEDS_GPU, result.stderr[-5000:]
    size = '64x128'
    assert report['correct_torch-cuda_half'][size]['pixels_unlike_the_cpus_resize_and_tail'] == 0
    assert report['correct_torch-cuda_half'][size]['label_agreement_worst'] > 0.99
    for batch in (1, 4):
        for part in ('network', 'whole_frame'):
            figures = report[f'{part}_{size}_batch_{batch}']
            assert figures['torch eager fp32 (authors)']['p50_ms'] > 0
    assert report['whole_frame_64x128_batch_1']['torch-cuda fp32']['p99_ms'] > 0
    assert 'failed' in report['whole_frame_64x128_batch_1']['tensorrt fp16']
    assert report['endurance']['frames'] == 20
    assert report['needs'][size]['gmacs'] > 0.1


def test_without_a_gpu_it_is_one_line():
    if torch.cuda.is_available():
        pytest.skip('there is a GPU')
    result = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True)
    assert result.returncode == 1
    assert 'finds no GPU (--dry-run does without)' in result.stderr
    assert len(result.stderr.splitlines()) == 1
