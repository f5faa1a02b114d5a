"""``stdc_seg quantize`` as a user calls it."""

import json
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest

from stdc_core.command_line import main as command_line
from stdc_core.command_line.calibration import dataset_of, images_of, rendered_streets
from stdc_core.command_line.frame_source import evenly_spaced, open_source
from stdc_core.geometry import FrameGeometry, Size
from stdc_core.model_file import read_model_file
from stdc_core.training.datasets import open_dataset

SIZE = Size(64, 96)
NO_LIMIT = ('--min-agreement', '0', '--max-miou-loss', '1')


@pytest.fixture
def stdc_seg(monkeypatch, capsys):
    """Run the command in this process; return exit code, standard output, standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', ['stdc_seg', *map(str, arguments)])
        return command_line.main(), *capsys.readouterr()

    return run


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / 'pictures'
    folder.mkdir()
    for number in range(7):
        picture = np.full((40, 50, 3), (number, 100, 200), np.uint8)  # BGR
        cv2.imwrite(str(folder / f'{number}.png'), picture)
    return folder


def nothing(number):
    pass


def test_images_become_an_int8_file_that_every_command_takes(
    stdc_seg, pictures, model_path, tmp_path
):
    path = tmp_path / 'int8.onnx'
    arguments = ('--images', pictures, '--size', 64, 96, '--frames', 4)
    code, out, _ = stdc_seg('quantize', model_path, path, *arguments, *NO_LIMIT)
    assert code == 0
    assert '39 layers int8, 4 in float (ffm.gate.0, ffm.gate.2, head.classify, ' in out
    assert 'calibrated on 4 frames' in out
    assert 'on 1 other frames: ' in out
    assert 'openvino here: ' in out
    metadata = read_model_file(path).metadata
    assert metadata.default_size == SIZE
    assert metadata.quantization['source'] == str(pictures)

    code, out, _ = stdc_seg('info', path)
    assert code == 0
    assert f'{read_model_file(model_path).count_weights():,}, batch norm folded' in out
    for fact in ('label_agreement', 'left_in_float', 'head.classify', 'precision         int8'):
        assert fact in out

    result = tmp_path / 'result.json'
    code, out, _ = stdc_seg(
        'benchmark', '--model', model_path, '--int8', path, '--size', 64, 96,
        '--frame', 60, 80, '--rounds', 1, '--threads', 2, '--json', result,
    )  # fmt: skip
    assert code == 0
    measured = json.loads(result.read_text())
    cases = measured['groups']['network']['cases']
    for backend in ('openvino', 'onnxruntime'):
        assert {f'{backend} fp32', f'{backend} int8 and fp32'} <= set(cases)
    assert measured['setting']['int8 model'] == path.name


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('gone.onnx', 'OUT'), 'cannot read model file gone.onnx'),
        (('MODEL', 'int8'), 'int8 is to be a model file: name it *.onnx'),
        (('MODEL', 'OUT', '--images', 'x', '--dataset', 'y'), 'calibrate on one of them'),
        (('MODEL', 'OUT', '--images', 'x', '--bag', 'y'), '--images and --bag are given'),
        (('MODEL', 'OUT', '--topic', '/t'), '--topic /t is given without --bag: name the bag'),
        (('MODEL', 'OUT', '--bag', 'x'), 'reading bags needs stdc_seg_ros'),
        (('MODEL', 'OUT', '--frames', '3'), 'frames is 3, expected at least 4'),
        (('MODEL', 'OUT', '--size', '8', '8'), 'network size is 8x8'),
        (('MODEL', 'OUT', '--min-agreement', '99'), 'smallest label agreement is 99.0'),
        (('MODEL', 'OUT', '--images', 'gone'), 'gone is no image, folder, video'),
        (('MODEL', 'OUT', '--images', '97'), 'there is no camera 97'),
        (('MODEL', 'OUT', '--images', 'EMPTY'), 'has no images'),
        (('MODEL', 'OUT', '--images', 'ONE'), 'has 1 frame(s), expected at least 5'),
        (('MODEL', 'OUT', '--images', 'BAD'), 'not all could be read: bad.png'),
        (('MODEL', 'OUT', '--dataset', 'gone'), 'there is no data set gone'),
    ],
)
def test_errors_are_one_line_and_leave_no_file(
    stdc_seg, pictures, model_path, tmp_path, arguments, message
):
    for name in ('empty', 'one', 'bad'):
        (tmp_path / name).mkdir()
    for name in ('one', 'bad'):
        (tmp_path / name / '0.png').write_bytes((pictures / '0.png').read_bytes())
    (tmp_path / 'bad/bad.png').write_bytes(b'no picture')
    places = {'MODEL': model_path, 'OUT': tmp_path / 'out.onnx'}
    places |= {name.upper(): tmp_path / name for name in ('empty', 'one', 'bad')}
    code, _, error = stdc_seg('quantize', *(places.get(word, word) for word in arguments))
    assert code == 1
    assert message in error
    assert error.splitlines()[-1].startswith('stdc_seg: ')
    assert not (tmp_path / 'out.onnx').exists()


def test_without_nncf_it_says_what_to_install(stdc_seg, model_path, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith('stdc_core.quantization.')]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, 'stdc_core.command_line.calibration')
    monkeypatch.setitem(sys.modules, 'nncf', None)
    code, _, error = stdc_seg('quantize', model_path, tmp_path / 'int8.onnx')
    assert code == 1
    assert error == "stdc_seg: quantizing needs nncf: pip install 'stdc_seg_ros[quantize]'\n"


def test_every_fifth_picture_is_held_out_and_all_are_resized_as_engines_do(pictures, model):
    calibration = images_of(str(pictures), model, SIZE, 5, nothing)
    assert [image[0, 0, 2] for image in calibration.images] == [0, 1, 2, 4, 6]
    assert [frame.image[0, 0, 2] for frame in calibration.held_out] == [5]
    assert all(frame.labels is None for frame in calibration.held_out)
    assert calibration.split == ''
    expected = np.empty((*SIZE, 3), np.uint8)
    picture = cv2.imread(str(pictures / '2.png'))
    FrameGeometry(Size(40, 50), SIZE, 'stretch').resize(picture, expected, 'bgr')
    np.testing.assert_array_equal(calibration.images[2], expected)


def test_rendered_streets_are_those_of_the_seed(model):
    first, again, other = (
        rendered_streets(model, SIZE, 4, seed, nothing).images for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_data_set_is_calibrated_on_train_and_judged_by_val(streets, street_yaml, model):
    model = replace(model, metadata=replace(model.metadata, labels=streets.split('val').labels))
    calibration = dataset_of(street_yaml, 'auto', model, SIZE, 4, nothing)
    assert len(calibration.images) == 4
    assert calibration.split == 'val'
    val = open_dataset(street_yaml).split('val')
    assert len(calibration.held_out) == len(val) == len(list(calibration.held_out))
    np.testing.assert_array_equal(calibration.held_out[1].labels, val.load(1).labels)
    assert calibration.facts['source'] == str(street_yaml)


def test_a_data_set_of_other_classes_is_refused(stdc_seg, street_yaml, model_path, tmp_path):
    code, _, error = stdc_seg(
        'quantize', model_path, tmp_path / 'int8.onnx', '--dataset', street_yaml
    )
    assert code == 1
    assert "has the classes of 'camvid11'" in error


def test_frames_are_spread_over_a_folder_and_a_video(pictures, tmp_path):
    assert evenly_spaced(5, 9) == [0, 1, 2, 3, 4]
    assert evenly_spaced(9, 3) == [0, 4, 8]
    assert evenly_spaced(9, 1) == [0]
    assert [name for name, _ in open_source(str(pictures), at_most=3).frames] == ['0', '3', '6']
    path = tmp_path / 'drive.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 15, (64, 48))
    for shade in range(9):
        writer.write(np.full((48, 64, 3), 20 * shade, np.uint8))
    writer.release()
    opened = open_source(str(path), at_most=3)
    frames = list(opened.frames)
    assert [name for name, _ in frames] == ['drive_000000', 'drive_000004', 'drive_000008']
    assert [round(image.mean() / 20) for _, image in frames] == [0, 4, 8]
    assert opened.missing == []
