"""Training the classifier from the command line."""

import functools
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture
def run(run_script):
    return functools.partial(run_script, 'train_classifier')


@pytest.fixture
def words(tmp_path):
    rng = np.random.default_rng(0)
    for split in ('train', 'val'):
        for name in ('dark', 'light'):
            place = tmp_path / 'images' / split / name
            place.mkdir(parents=True)
            for number in range(3):
                image = rng.integers(0, 100, (70, 80, 3)) + (100 if name == 'light' else 0)
                cv2.imwrite(str(place / f'{number}.png'), image.astype(np.uint8))
    options = ('--epochs', 2, '--batch-size', 2, '--size', 64, '--threads', 2)
    return ('--dataset', tmp_path / 'images', '--output', tmp_path / 'run', *options)


def test_a_run_says_how_good_it_is_and_keeps_its_weights(run, words, tmp_path):
    code, out, error = run(*words)
    assert (code, error) == (0, '')
    assert 'iteration 3: top-1' in out
    assert 'best top-1' in out
    assert (tmp_path / 'run/best.safetensors').exists()
    assert run(*words, '--resume')[0] == 0  # it is at its end: nothing to do


@pytest.mark.parametrize(
    ('more', 'message'),
    [
        (('--dataset', 'gone'), 'there is no folder gone/train'),
        (('--resume',), 'holds no run to go on with'),
        (('--batch-size', 7, '--accumulate', 2), 'does not divide'),
        (('--readers', 0), 'readers is 0'),
    ],
)
def test_errors_are_one_line(run, words, more, message):
    code, _, error = run(*words, *more)
    assert code == 1
    assert message in error
    assert error.startswith('train_classifier: ')
    assert error.count('\n') == 1


def test_unknown_words_are_wrong_usage(run, words):
    assert run(*words, '--epoch', 3)[0] == 2
    code, out, error = run(*words, '--learning-rate', 0)
    assert code == 2
    assert 'learning_rate is 0' in out + error


@pytest.mark.slow
def test_two_processes_train_by_torchrun_and_the_first_one_writes(words, tmp_path):
    script = Path(__file__).parents[2] / 'training/train_classifier.py'
    command = [sys.executable, '-m', 'torch.distributed.run', '--nproc-per-node=2', '--standalone']
    command += [script, *words, '--batch-size', 4, '--device', 'cpu']
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count('best top-1') == 1
    assert len((tmp_path / 'run/metrics.jsonl').read_text().splitlines()) == 3
