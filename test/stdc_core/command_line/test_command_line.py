"""``stdc_seg`` as a user calls it: results, errors of one line, exit codes."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import onnx
import pytest
import torch

import stdc_core
from stdc_core.command_line import main as command_line
from stdc_core.engines import open_engine
from stdc_core.labels import CAMVID
from stdc_core.model_file import add_metadata, read_model_file
from stdc_core.networks.checkpoint import save_checkpoint


@pytest.fixture
def stdc_seg(monkeypatch, capsys):
    """Run the command in this process; return exit code, standard output, standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', ['stdc_seg', *map(str, arguments)])
        try:
            code = command_line.main()
        except SystemExit as usage:
            code = usage.code
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / 'pictures'
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name, shape in {'a.png': (60, 90), 'b.jpg': (41, 77), 'c.PNG': (96, 160)}.items():
        cv2.imwrite(str(folder / name), rng.integers(0, 256, (*shape, 3), dtype=np.uint8))
    (folder / 'notes.txt').write_text('no picture')
    return folder


@pytest.fixture
def video(tmp_path):
    path = tmp_path / 'drive.mp4'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'mp4v'), 15, (160, 96))
    rng = np.random.default_rng(0)
    for _ in range(6):
        writer.write(rng.integers(0, 256, (96, 160, 3), dtype=np.uint8))
    writer.release()
    return path


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob('*') if path.is_file())


@pytest.mark.parametrize(
    'command', [(), ('segment',), ('export',), ('quantize',), ('info',), ('benchmark',)]
)
def test_help_explains_and_succeeds(stdc_seg, command):
    code, out, _ = stdc_seg(*command, '--help')
    assert code == 0
    assert 'usage: stdc_seg' in out


def test_wrong_usage_is_exit_code_2(stdc_seg):
    assert stdc_seg()[0] == 2
    assert stdc_seg('segment')[0] == 2
    assert stdc_seg('segment', 'x', '--model', 'm', '--precision', 'int4')[0] == 2


def test_image_gives_the_engines_mask_and_an_overlay(stdc_seg, pictures, model_path, tmp_path):
    out = tmp_path / 'out'
    code, said, _ = stdc_seg(
        'segment', pictures / 'a.png', '--model', model_path, '--output', out, '--opacity', '1'
    )
    assert code == 0
    assert files(out) == ['mask/a.png', 'overlay/a.jpg']
    mask = cv2.imread(str(out / 'mask/a.png'), cv2.IMREAD_UNCHANGED)
    image = cv2.imread(str(pictures / 'a.png'))
    with open_engine(model_path) as engine:
        np.testing.assert_array_equal(mask, engine.infer(image).labels)
    overlay = cv2.imread(str(out / 'overlay/a.jpg'))
    assert np.abs(overlay.astype(int) - CAMVID.colorize(mask, 'bgr')).mean() < 12  # JPEG
    assert '1 frame(s) in' in said
    assert 'network' in said
    assert 'openvino' in said


def test_folder_gives_every_picture(stdc_seg, pictures, model_path, tmp_path):
    out = tmp_path / 'out'
    code, *_ = stdc_seg(
        'segment', pictures, '--model', model_path, '--output', out, '--write', 'side_by_side'
    )
    assert code == 0
    assert files(out) == [f'side_by_side/{name}.jpg' for name in 'abc']
    assert cv2.imread(str(out / 'side_by_side/b.jpg')).shape == (41, 154, 3)


def test_video_gives_masks_and_videos_of_its_rate(stdc_seg, video, model_path, tmp_path):
    out = tmp_path / 'out'
    kinds = ('mask', 'overlay', 'side_by_side')
    arguments = ('segment', video, '--model', model_path, '--output', out, '--write', *kinds)
    assert stdc_seg(*arguments)[0] == 0
    masks = [f'mask/drive_{number:06d}.png' for number in range(6)]
    assert files(out) == [*masks, 'overlay/drive.mp4', 'side_by_side/drive.mp4']
    for kind, width in (('overlay', 160), ('side_by_side', 320)):
        capture = cv2.VideoCapture(str(out / kind / 'drive.mp4'))
        assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 6
        assert capture.get(cv2.CAP_PROP_FPS) == 15
        assert capture.get(cv2.CAP_PROP_FRAME_WIDTH) == width
        capture.release()


def test_an_unreadable_picture_is_named_and_the_others_are_done(
    stdc_seg, pictures, model_path, tmp_path, caplog
):
    (pictures / 'bad.jpg').write_bytes(b'no picture')
    out = tmp_path / 'out'
    code, _, error = stdc_seg('segment', pictures, '--model', model_path, '--output', out)
    assert code == 1
    assert 'bad.jpg is no whole picture' in caplog.text
    assert 'not all could be read: bad.jpg' in error
    assert len(files(out)) == 6


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('gone.jpg', '--model', 'MODEL'), 'gone.jpg is no image, folder, video'),
        (('97', '--model', 'MODEL'), 'there is no camera 97'),
        (('EMPTY', '--model', 'MODEL'), 'has no images'),
        (('TEXT', '--model', 'MODEL'), 'is no image or video that OpenCV can read'),
        (('PICTURES', '--model', 'gone.onnx'), 'cannot read model file gone.onnx'),
        (('PICTURES', '--model', 'TEXT'), 'is not a whole ONNX file'),
        (('PICTURES', '--model', 'MODEL', '--opacity', '2'), 'opacity is 2.0, expected 0 to 1'),
        (('PICTURES', '--model', 'MODEL', '--size', '8', '8'), 'network size is 8x8'),
        (('PICTURES', '--model', 'MODEL', '--threads', '0'), 'threads is 0'),
        (('PICTURES', '--model', 'MODEL', '--write'), '--write names nothing'),
        (
            ('PICTURES', '--model', 'MODEL', '--backend', 'torch', '--precision', 'fp16'),
            'asked for fp16',
        ),
    ],
)
def test_errors_are_one_line_and_exit_code_1(
    stdc_seg, pictures, model_path, tmp_path, arguments, message
):
    (tmp_path / 'empty').mkdir()
    places = {
        'MODEL': model_path,
        'EMPTY': tmp_path / 'empty',
        'TEXT': pictures / 'notes.txt',
        'PICTURES': pictures,
    }
    out = tmp_path / 'out'
    places_or_words = [places.get(argument, argument) for argument in arguments]
    code, _, error = stdc_seg('segment', *places_or_words, '--output', out)
    assert code == 1
    assert error.startswith('stdc_seg: ')
    assert message in error
    assert error.count('\n') == 1
    assert not out.exists()


def test_pictures_that_would_share_a_mask_are_refused(stdc_seg, pictures, model_path, tmp_path):
    (pictures / 'a.jpg').write_bytes((pictures / 'b.jpg').read_bytes())
    code, _, error = stdc_seg('segment', pictures, '--model', model_path, '--output', tmp_path)
    assert code == 1
    assert 'would give one mask: rename one' in error


@pytest.mark.parametrize(
    ('number', 'code', 'message'),
    [(signal.SIGINT, 130, 'stdc_seg: interrupted'), (signal.SIGTERM, 143, '')],
)
def test_signals_end_it_and_leave_no_half_file(model_path, tmp_path, number, code, message):
    path = tmp_path / 'long.mp4'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'mp4v'), 15, (320, 240))
    for shade in range(2000):
        writer.write(np.full((240, 320, 3), shade % 256, np.uint8))
    writer.release()
    out = tmp_path / 'out'
    command = [sys.executable, '-m', 'stdc_core.command_line.main', 'segment', path]
    command += ['--model', model_path, '--output', out]
    process = subprocess.Popen(
        [*map(str, command)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 60
    while not list(out.glob('mask/*.png')) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    _, error = process.communicate(timeout=30)
    assert process.returncode == code
    assert error.strip() == message
    assert not (out / 'overlay/long.mp4').exists()
    assert not list(out.rglob('.*'))
    for mask in out.glob('mask/*.png'):
        assert cv2.imread(str(mask), cv2.IMREAD_UNCHANGED).shape == (240, 320)


def test_a_video_that_cannot_be_written_whole_is_not_left(
    stdc_seg, video, model_path, tmp_path, monkeypatch
):
    """OpenCV says nothing when the disk is full."""
    monkeypatch.setattr('stdc_core.command_line.picture_writer._count_frames', lambda path: 5)
    out = tmp_path / 'out'
    arguments = ('--model', model_path, '--output', out, '--write', 'overlay')
    code, _, error = stdc_seg('segment', video, *arguments)
    assert code == 1
    assert 'drive.mp4 could not be written whole: is the disk full?' in error
    assert files(out) == []


def test_a_video_that_ends_early_is_done_and_is_exit_code_1(
    stdc_seg, model_path, tmp_path, monkeypatch
):
    path = tmp_path / 'drive.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), 15, (160, 96))
    for seed in range(6):
        noise = np.random.default_rng(seed).integers(0, 256, (96, 160, 3), dtype=np.uint8)
        writer.write(noise)
    writer.release()
    content = path.read_bytes()
    path.write_bytes(content[: int(0.7 * len(content))])
    out = tmp_path / 'out'
    code, _, error = stdc_seg('segment', path, '--model', model_path, '--output', out)
    assert code == 1
    assert 'drive ends after' in error
    assert len(list((out / 'mask').iterdir())) >= 3


def test_version(stdc_seg):
    assert stdc_seg('--version')[:2] == (0, f'stdc_seg {stdc_core.__version__}\n')


def test_info_takes_names_as_they_are(stdc_seg, model, tmp_path):
    """Brackets are no markup."""
    names = ('[/b]Sky', *model.metadata.labels.names[1:])
    labels = dataclasses.replace(model.metadata.labels, names=names)
    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    add_metadata(proto, dataclasses.replace(model.metadata, labels=labels))
    path = tmp_path / 'model[v2].onnx'
    onnx.save_model(proto, path)
    code, out, _ = stdc_seg('info', path)
    assert code == 0
    assert '[/b]Sky' in out
    assert 'model[v2].onnx' in out


def test_info_shows_what_is_in_the_file(stdc_seg, model_path):
    code, out, _ = stdc_seg('info', model_path)
    assert code == 0
    for fact in (
        'stdc1',
        '96x160',
        'stretch',
        'RANDOM',
        'labels, confidence, detail',
        'camvid11',
        'SignSymbol',
        '192 128 128',
        read_model_file(model_path).sha256,
    ):
        assert fact in out


def test_export_makes_a_model_file_of_a_checkpoint(stdc_seg, checkpoint, tmp_path):
    save_checkpoint(tmp_path / 'net.safetensors', checkpoint)
    model = tmp_path / 'net.onnx'
    arguments = ('export', tmp_path / 'net.safetensors', model, '--size', '64', '96')
    code, out, _ = stdc_seg(*arguments, '--no-detail')
    assert code == 0
    assert 'stdc1, 11 classes, 64x96; logits within' in out
    metadata = read_model_file(model).metadata
    assert metadata.default_size == (64, 96)
    assert not read_model_file(model).has_detail
    assert len(metadata.source_sha256) == 64


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('gone.safetensors', 'm.onnx'), 'cannot read checkpoint gone.safetensors'),
        (('gone.pth', 'm.onnx'), 'cannot read checkpoint gone.pth'),
        (('gone.pth', 'm.onnx', '--labels', 'kitti'), "no label set 'kitti'"),
        (('gone.pth', 'model'), 'name it *.onnx'),
    ],
)
def test_export_errors_are_one_line(stdc_seg, arguments, message):
    code, _, error = stdc_seg('export', *arguments)
    assert code == 1
    assert message in error
    assert error.count('\n') == 1


def test_export_without_torch_says_what_to_install(stdc_seg, monkeypatch):
    for name in [name for name in sys.modules if name.startswith('stdc_core.export')]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, 'torch', None)
    code, _, error = stdc_seg('export', 'net.safetensors', 'net.onnx')
    assert code == 1
    assert "export needs torch: pip install 'stdc_seg_ros[train]'" in error


def test_benchmark_prints_ratios_and_writes_json(stdc_seg, model_path, tmp_path):
    path = tmp_path / 'result.json'
    code, out, _ = stdc_seg(
        'benchmark', '--model', model_path, '--size', 64, 96, '--frame', 90, 120,
        '--rounds', 2, '--threads', 2, '--json', path,
    )  # fmt: skip
    assert code == 0
    assert 'whole frame: 90x120 bgr8 frame to labels' in out
    assert "authors' way" in out
    assert 'of the whole frame is not the network' in out
    result = json.loads(path.read_text())
    assert result['setting']['threads'] == 2
    assert result['setting']['weights'] == 'random'
    for group in result['groups'].values():
        baseline = next(iter(group['cases'].values()))
        assert baseline['times_faster'] == 1
        for case in group['cases'].values():
            assert len(case['samples_ms']) == 2
            assert 0 < case['min_ms'] <= case['median_ms']
    assert set(result['outside_network']) >= {'openvino fp32', 'onnxruntime fp32', 'torch fp32'}
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('--frame', '0', '0'), 'frame is 0x0, expected at least 1x1'),
        (('--rounds', '0'), 'rounds is 0'),
        (('--threads', '0'), 'threads is 0'),
    ],
)
def test_benchmark_errors_are_one_line(stdc_seg, model_path, arguments, message):
    code, _, error = stdc_seg('benchmark', '--model', model_path, *arguments)
    assert code == 1
    assert message in error


def test_installed_command_runs():
    command = os.path.join(os.path.dirname(sys.executable), 'stdc_seg')
    result = subprocess.run([command, 'info', 'gone.onnx'], capture_output=True, text=True)
    assert result.returncode == 1
    assert (
        result.stderr == 'stdc_seg: cannot read model file gone.onnx: No such file or directory\n'
    )
