"""The command: its files, exit codes, and a line for everything that can be wrong."""

import json
import shutil

import cv2
import numpy as np
import pytest
import tyro
from rosbags.rosbag2 import Writer
from rosbags.typesys import Stores, get_typestore

from stdc_core.command_line.run_command import run_command
from stdc_seg_ros.bag.bag_reader import IMAGE
from stdc_seg_ros.bag.bag_writer import BagConfig
from stdc_seg_ros.evaluation.evaluate_bag import evaluate_bag


@pytest.fixture
def run(model_path, tmp_path, capsys):
    def run(*words):
        words = [*map(str, words), '--output', str(tmp_path / 'out'), '--model', str(model_path)]
        command = lambda: tyro.cli(evaluate_bag, args=words)  # noqa: E731
        code = run_command('evaluate_bag', command)
        return code, capsys.readouterr()

    return run


def one_line(result, code=1):
    found, output = result
    lines = [line for line in output.err.splitlines() if line.startswith('evaluate_bag: ')]
    assert found == code, output.err
    assert len(lines) == 1, output.err
    return lines[0]


def test_offline_leaves_a_report_and_keeps_its_limits(bag, run, tmp_path):
    code, output = run(bag, '--offline', '--fail-under', 'masks_share=1', '--fail-over', 'ece=1')
    assert code == 0, output.err
    assert 'masks:   6 of 6 images' in output.out
    assert {path.name for path in (tmp_path / 'out').iterdir()} == {
        'report.html', 'figures.json', 'frames.csv', 'masks'
    }  # fmt: skip
    miou = json.loads((tmp_path / 'out/figures.json').read_text())['figures']['miou']
    line = one_line(run(bag, '--offline', '--fail-under', 'miou=0.99'), code=3)
    assert line == f'evaluate_bag: miou is {miou:.4g}, expected at least 0.99'


@pytest.mark.parametrize(
    ('words', 'expected'),
    [
        ((), 'expected either --offline or --replay'),
        (('--replay', '--rate', '0'), 'rate is 0.0, expected above 0'),
        (('--replay', '--processes', '2'), 'processes is 2, expected 1'),
        (('--replay', '--cluster', 'auto'), '--cluster is for --offline'),
        (('--offline', '--cluster', 'here'), "cluster is 'here', expected auto or HOST:PORT"),
        (('--offline', '--replay'), 'expected either --offline or --replay'),
        (('--offline', '--fail-under', 'mIoU=1'), "unknown figure 'mIoU' (known: miou, "),
        (('--offline', '--topic', '/front'), 'has no topic /front (topics: /camera/camera_info ['),
        (('--offline', '--topic', '/camera/camera_info'), 'CameraInfo, expected images'),
        (('--offline', '--label-topic', '/truth'), 'has no topic /truth (topics: '),
        (('--offline', '--labels', 'gone'), 'there is no folder of labels gone'),
        (('--offline', '--labels', 'a', '--label-topic', '/b'), '--label-topic or --labels'),
    ],
)
def test_a_wrong_word_is_one_line(bag, run, words, expected):
    assert expected in one_line(run(bag, *words))


def test_an_output_that_is_a_file_is_one_line(bag, run, tmp_path):
    (tmp_path / 'out').write_text('notes')
    assert 'out is a file, expected a folder' in one_line(run(bag, '--offline'))


def test_an_empty_bag_is_one_line(run, tmp_path):
    with Writer(tmp_path / 'empty', version=8):
        pass
    assert 'has 0 image topics, expected one' in one_line(run(tmp_path / 'empty', '--offline'))


def test_topics_without_messages(run, tmp_path):
    types = get_typestore(Stores.LATEST)
    with Writer(tmp_path / 'quiet', version=8) as writer:
        writer.add_connection('/camera/image_raw', IMAGE, typestore=types)
    line = one_line(run(tmp_path / 'quiet', '--offline'))
    assert '/camera/image_raw has no images: nothing to evaluate' in line


def test_labels_of_another_drive_are_one_line(bag, run, tmp_path, frames):
    folder = tmp_path / 'labels'
    folder.mkdir()
    cv2.imwrite(str(folder / '1700000000.004000000.png'), frames[0].labels)
    line = one_line(run(bag, '--offline', '--labels', folder))
    assert 'match no image: the nearest, 1700000000004000000, is 4.000 ms from the image' in line


def test_a_label_out_of_range_is_one_line(make_bag, frames, run):
    wrong = np.full((72, 96), 34, np.uint8)
    bag = make_bag([frames[0], frames[1]._replace(labels=wrong)])
    line = one_line(run(bag, '--offline'))
    assert 'label 34 (6,912 pixels) is outside 0..10, 11 and 255: map the labels' in line


def test_images_with_one_stamp_are_one_line(make_bag, frames, run, monkeypatch):
    monkeypatch.setattr(BagConfig, 'stamp_ns', lambda self, number: 5 * 10**9)
    line = one_line(run(make_bag(frames), '--offline'))
    assert '5 images of /camera/image_raw have the stamp of another one (e.g. 5000000000)' in line


@pytest.mark.parametrize('name', ['report.html', 'figures.json', 'frames.csv'])
def test_a_full_disk_leaves_no_half_file(bag, run, tmp_path, monkeypatch, name):
    from stdc_core import atomic_file

    replace = atomic_file.os.replace

    def full(part, target):
        if target.name == name:
            raise OSError(28, 'No space left on device')
        replace(part, target)

    monkeypatch.setattr(atomic_file.os, 'replace', full)
    line = one_line(run(bag, '--offline'))
    assert 'No space left on device' in line
    assert name in line
    assert not [path for path in (tmp_path / 'out').iterdir() if path.name.startswith('.')]
    assert not (tmp_path / 'out' / name).exists()
    shutil.rmtree(tmp_path / 'out')
