"""Training segmentation from the command line: what is refused, stopped and taken up again."""

import functools
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).parents[2] / 'training/train_segmentation.py'


@pytest.fixture
def run(run_script):
    return functools.partial(run_script, 'train_segmentation')


def test_help_shows_recipes_and_their_values(run):
    code, out, _ = run('--help')
    assert code == 0
    for recipe in ('cityscapes50', 'cityscapes75', 'camvid', 'small'):
        assert recipe in out
    code, out, _ = run('cityscapes50', '--help')
    assert code == 0
    assert '60000' in out
    assert '--detail-strides' in out


@pytest.mark.parametrize(
    'arguments',
    [(), ('huge',), ('small',), ('small', '--dataset', 'x', '--output', 'y', '--momentun', '1')],
)
def test_unknown_and_missing_words_are_wrong_usage(run, arguments):
    assert run(*arguments)[0] == 2


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('--dataset', 'gone'), 'there is no data set gone'),
        (('--leave-out', 'nowhere'), "split 'train' has no sequence nowhere"),
        (('--weights', 'gone.safetensors'), 'cannot read checkpoint gone.safetensors'),
        (('--resume',), 'holds no run to go on with'),
        (('--val-split', 'train'), "split 'train' is to be trained and evaluated on"),
        (('--batch-size', '6', '--accumulate', '6'), 'leaves one image to a piece'),
        (('--threads', '0'), 'threads is 0, expected at least 1'),
        (('--readers', '0'), 'readers is 0, expected at least 1'),
        (('--device', 'tpu'), "unknown device 'tpu'"),
    ],
)
def test_errors_are_one_line(run, street_yaml, tmp_path, arguments, message):
    if '--dataset' not in arguments:
        arguments = ('--dataset', street_yaml, *arguments)
    code, _, error = run('small', '--output', tmp_path / 'run', *arguments)
    assert code == 1
    assert message in error
    assert error.startswith('train_segmentation: ')
    assert error.count('\n') == 1


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [(('--seed', '-1'), 'seed is -1'), (('--evaluation-size', '10', '10'), 'size is 10x10')],
)
def test_values_out_of_range_are_wrong_usage(run, arguments, message):
    code, out, error = run('small', '--dataset', 'x', '--output', 'y', *arguments)
    assert code == 2
    assert message in out + error


def test_a_run_that_failed_at_its_start_can_be_started_again(run, street_yaml, tmp_path):
    words = ['small', '--dataset', street_yaml, '--output', tmp_path / 'run', '--crop', 64, 64]
    words += ['--iterations', 1, '--batch-size', 2, '--threads', 2, '--deterministic']
    assert run(*words, '--weights', 'gone.safetensors')[0] == 1
    code, out, error = run(*words)
    assert (code, error) == (0, '')
    assert 'best mIoU' in out
    code, _, error = run(*words)
    assert code == 1
    assert 'holds a run: pass --resume' in error


def test_splits_that_overlap_are_refused(run, street_yaml, tmp_path):
    root = street_yaml.parent
    text = street_yaml.read_text().replace('images: val/images', 'images: train/images')
    overlapping = root / 'overlapping.yaml'
    overlapping.write_text(text.replace('labels: val/labels', 'labels: train/labels'))
    code, _, error = run('small', '--dataset', overlapping, '--output', tmp_path / 'run')
    assert code == 1
    assert 'overlaps): see training/check_dataset.py' in error
    assert not (tmp_path / 'run').exists()


@pytest.mark.slow
def test_a_run_that_is_terminated_and_resumed_ends_at_the_same_weights(street_yaml, tmp_path):
    options = ['--iterations', '40', '--crop', '64', '64', '--batch-size', '2']
    options += ['--evaluate-every', '40', '--threads', '2']

    def command(name, *more):
        words = [sys.executable, SCRIPT, 'small', '--dataset', street_yaml]
        return [str(word) for word in (*words, '--output', tmp_path / name, *options, *more)]

    subprocess.run(command('whole'), check=True, stdout=subprocess.DEVNULL)
    process = subprocess.Popen(command('parts'), stdout=subprocess.PIPE, text=True)
    metrics = tmp_path / 'parts/metrics.jsonl'
    deadline = time.monotonic() + 120
    while not metrics.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 143
    assert 'go on with --resume' in said
    done = torch.load(tmp_path / 'parts/state.pt', weights_only=True)['iterations']
    assert 20 <= done < 40
    subprocess.run(command('parts', '--resume'), check=True, stdout=subprocess.DEVNULL)
    states = [
        torch.load(tmp_path / name / 'state.pt', weights_only=True) for name in ('whole', 'parts')
    ]
    for kind in ('network', 'average'):
        for name, tensor in states[0][kind].items():
            assert torch.equal(tensor, states[1][kind][name]), name
    iterations = [json.loads(line)['iteration'] for line in metrics.read_text().splitlines()]
    assert iterations == [20, 40, 40]


@pytest.mark.slow
def test_two_processes_train_by_torchrun_and_the_first_one_writes(street_yaml, tmp_path):
    words = [sys.executable, '-m', 'torch.distributed.run', '--nproc-per-node=2', '--standalone']
    words += [SCRIPT, 'small', '--dataset', street_yaml, '--output', tmp_path / 'run']
    words += ['--iterations', '4', '--crop', '64', '64', '--batch-size', '4', '--device', 'cpu']
    words += ['--evaluate-every', '2']
    command = [str(word) for word in words]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count('images to train on') == 1
    lines = [
        json.loads(line) for line in (tmp_path / 'run/metrics.jsonl').read_text().splitlines()
    ]
    assert [line['iteration'] for line in lines if line['kind'] == 'evaluation'] == [2, 4]
