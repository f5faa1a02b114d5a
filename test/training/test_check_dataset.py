"""The script as a user calls it: table, JSON, errors of one line, exit codes."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / 'training/check_dataset.py'


@pytest.fixture
def camvid(tmp_path):
    rng = np.random.default_rng(0)
    for split, name in (('train', '0001TP_000030'), ('val', '0016E5_08001')):
        for kind in ('images', 'labels'):
            (tmp_path / split / kind).mkdir(parents=True)
        image = rng.integers(0, 256, (3, 4, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / split / f'images/{name}.png'), image)
        labels = np.arange(12, dtype=np.uint8).reshape(3, 4)
        cv2.imwrite(str(tmp_path / split / f'labels/{name}.png'), labels)
    return tmp_path


@pytest.fixture
def run(run_script):
    return functools.partial(run_script, 'check_dataset')


def test_fit_data_set_shows_its_figures(run, camvid, tmp_path):
    code, out, error = run(camvid, '--json', tmp_path / 'report.json')
    assert (code, error) == (0, '')
    for fact in ('camvid11', '3x4: 1', '8.3%', 'SignSymbol', '9.09%', '0016E5: 1', 'ln(1.02'):
        assert fact in out
    assert 'fit for training' in out
    assert json.loads((tmp_path / 'report.json').read_text())['ok'] is True


def test_unfit_data_set_names_every_fault_and_fails(run, camvid):
    label = camvid / 'val/labels/0016E5_08001.png'
    label.write_bytes(b'cut')
    (camvid / 'train/images/0001TP_000060.png').touch()
    (camvid / 'val/images/0016E5_08001.png').write_bytes(
        (camvid / 'train/images/0001TP_000030.png').read_bytes()
    )
    code, out, error = run(camvid)
    assert code == 1
    assert 'problem no PNG (1 file), expected PNG: write labels as PNG' in out
    assert f'  {label}\n' in out
    assert 'problem images without labels (1 file)' in out
    assert 'overlap train/0001TP_000030 and val/0016E5_08001: same content' in out
    assert 'NOT fit for training' in out
    assert error.startswith("check_dataset: data set 'CamVid' is not fit for training (")
    assert error.count('\n') == 1


def test_markup_in_names_is_shown_as_it_is(run, camvid):
    (camvid / 'train/images/0001TP_[red].png').touch()
    _, out, _ = run(camvid)
    assert '0001TP_[red].png' in out


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [(('gone',), 'there is no data set gone'), ((ROOT,), 'is laid out like none of')],
)
def test_errors_are_one_line(run, arguments, message):
    code, _, error = run(*arguments)
    assert code == 1
    assert message in error
    assert error.count('\n') == 1


def test_wrong_usage_exits_with_2(run):
    assert run('--layout', 'kitti', 'x')[0] == 2


def test_script_runs_from_anywhere(tmp_path):
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    result = subprocess.run(
        [sys.executable, SCRIPT, 'gone'],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    assert (result.returncode, result.stdout) == (1, '')
    assert result.stderr == 'check_dataset: there is no data set gone\n'
