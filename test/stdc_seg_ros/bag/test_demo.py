"""The whole demo: node, player and recorder in processes of their own, over real topics."""

import subprocess
import sys

import cv2
import pytest

from stdc_seg_ros.bag.bag_writer import BagConfig, write_bag

DEMO = 'import sys; from stdc_seg_ros.bag.command_line import stdc_seg_demo as d; sys.exit(d())'


@pytest.fixture
def run_demo(tmp_path, model_path):
    def run(*words) -> subprocess.CompletedProcess:
        command = [sys.executable, '-c', DEMO, '--output', tmp_path / 'demo']
        command += ['--model', model_path, *words]
        words = [str(word) for word in command]
        return subprocess.run(words, capture_output=True, text=True, timeout=240)

    return run


def test_a_rendered_drive_goes_through_the_node_and_leaves_a_page(run_demo, tmp_path):
    result = run_demo('--seconds', 1)
    assert result.returncode == 0, result.stderr
    page = (tmp_path / 'demo/report.html').read_text()
    assert f'page: {tmp_path}/demo/report.html' in result.stdout
    assert 'published 15 = processed' in result.stdout
    masks = list((tmp_path / 'demo/masks').glob('*.png'))
    assert masks
    assert f'masks:   {len(masks)} of 15 images' in result.stdout
    assert f'{len(masks)} masks against the labels' in page
    assert '<td>ledger balance</td><td>0</td>' in page
    shown = min(4, len(masks))  # each is to the bit what the engine makes of it without ROS
    assert f'{shown} of these {shown} masks' in page
    assert cv2.imread(str(masks[0]), cv2.IMREAD_GRAYSCALE).shape == (360, 480)


def test_ones_own_bag_of_compressed_images_without_labels(run_demo, tmp_path, drive):
    frames = [frame._replace(labels=None) for frame in drive]
    path = write_bag(tmp_path / 'bag', frames, BagConfig(rate_hz=10, encoding='compressed')).path
    result = run_demo('--bag', path)
    assert result.returncode == 0, result.stderr
    assert 'published 7 = processed' in result.stdout
    assert 'mIoU' not in result.stdout
    assert 'The bag has no labels' in (tmp_path / 'demo/report.html').read_text()


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (('--bag', 'gone'), 'there is no bag gone'),
        (('--seconds', '0'), 'seconds is 0.0, expected above 0'),
    ],
)
def test_errors_are_one_line(run_demo, words, message):
    result = run_demo(*words)
    assert result.returncode == 1
    assert result.stderr.startswith('stdc_seg_demo: ')
    assert message in result.stderr
    assert result.stderr.count('\n') == 1
