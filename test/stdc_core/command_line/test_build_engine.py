"""``stdc_seg build-engine`` as a user calls it, with TensorRT-RTX and without a GPU."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from stdc_core.command_line import build_engine
from stdc_core.command_line import main as command_line
from stdc_core.engines import EngineUnavailableError, open_engine
from stdc_core.engines import tensorrt as tensorrt_engine
from stdc_core.geometry import Size
from stdc_core.tensorrt.cache import PlanCache, load_plan
from stdc_core.tensorrt.gpu_probe import Gpu
from stdc_core.tensorrt.library import TensorRT, find_tensorrt
from stdc_core.tensorrt.plan import Plan, read_plan

SHIPPED_INT8 = Path(__file__).parents[3] / 'models/stdc1_camvid_int8.onnx'
ADA = Gpu('NVIDIA GeForce RTX 4090', '8.9')


@pytest.fixture(autouse=True)
def _no_gpu(monkeypatch):
    """As on a machine without one, wherever the tests run."""

    def nothing(index=0):
        raise EngineUnavailableError('no driver')

    monkeypatch.setattr(build_engine, 'find_gpu', nothing)
    monkeypatch.setattr('stdc_core.tensorrt.library.find_gpu', nothing)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where plans are kept, and looked for."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    return tmp_path / 'stdc_seg_ros/plans'


@pytest.fixture
def rtx() -> TensorRT:
    try:
        return find_tensorrt('tensorrt_rtx')
    except EngineUnavailableError as error:
        pytest.skip(f'NOT RUN, needs TensorRT-RTX: {error}')


@pytest.fixture
def stdc_seg(monkeypatch, capsys):
    """Run the command in this process; return exit code, standard output, standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', ['stdc_seg', *map(str, arguments)])
        return command_line.main(), *capsys.readouterr()

    return run


def test_plans_are_built_once_and_found(stdc_seg, rtx, model, model_path, folder):
    code, out, _ = stdc_seg('build-engine', model_path, '--size', 64, 96)
    assert code == 0
    assert f'{rtx}, for GPUs of compute capability 8.0+; no driver' in out
    assert out.count('not inspected without a GPU') == 2
    plans = sorted(folder.iterdir())
    assert len(plans) == 2
    for detail in (False, True):
        plan = load_plan(model, rtx, ADA, size=Size(64, 96), detail=detail, precision='fp16')
        assert plan.fingerprint.detail == detail

    before = [path.stat().st_mtime_ns for path in plans]
    code, out, _ = stdc_seg('build-engine', model_path, '--size', 64, 96)
    assert code == 0
    assert out.count('there is a plan that fits') == 2
    assert [path.stat().st_mtime_ns for path in plans] == before

    command = ('build-engine', model_path, '--size', 64, 96, '--no-detail')
    plain = next(path for path in plans if not read_plan(path).fingerprint.detail)
    old = replace(read_plan(plain).fingerprint, version='1.0.0')
    PlanCache().store(Plan(old, b'old'))
    code, out, _ = stdc_seg(*command)
    assert code == 0
    assert f'does not fit: version 1.0.0, wanted version {rtx.version}' in out
    assert read_plan(plain).fingerprint.version == rtx.version

    plain.write_bytes(plain.read_bytes()[:-1])
    code, out, _ = stdc_seg(*command)
    assert code == 0
    assert 'is cut' in out
    assert len(read_plan(plain).engine) > 1000

    before = plain.stat().st_mtime_ns
    assert stdc_seg(*command, '--rebuild')[0] == 0
    assert plain.stat().st_mtime_ns != before
    assert sorted(folder.iterdir()) == plans


@pytest.mark.parametrize('shipped', [False, True], ids=['float', 'int8'])
def test_without_options_the_engine_finds_what_the_command_built(
    stdc_seg, rtx, model_path, folder, monkeypatch, shipped
):
    """Command and engine agree on folder, size and precision, as far as that goes without a GPU.

    The int8 file is the one that the node takes unless told otherwise.
    """
    path = SHIPPED_INT8 if shipped else model_path
    assert stdc_seg('build-engine', path)[0] == 0

    def no_device():
        raise EngineUnavailableError('it has a plan')

    monkeypatch.setattr(tensorrt_engine, 'find_gpu', lambda: ADA)
    monkeypatch.setattr(tensorrt_engine, 'find_tensorrt', lambda: rtx)
    monkeypatch.setattr(tensorrt_engine, 'open_device', no_device)
    for detail in (False, True):
        with pytest.raises(EngineUnavailableError, match='no engine runs here: it has a plan'):
            open_engine(path, 'tensorrt', detail=detail)
    with pytest.raises(EngineUnavailableError, match=r'build it with .* --precision fp32'):
        open_engine(path, 'tensorrt', precision='fp32')


def test_interrupt_leaves_no_file(stdc_seg, rtx, model_path, folder, monkeypatch, interrupt):
    build = build_engine.build_plan

    def interrupted(*arguments, on_progress, **named):
        def show(phase, done, total):
            on_progress(phase, done, total)
            if len(steps) == 20:
                interrupt()
            steps.append(phase)

        steps = []
        return build(*arguments, on_progress=show, **named)

    monkeypatch.setattr(build_engine, 'build_plan', interrupted)
    code, _, err = stdc_seg('build-engine', model_path)
    assert code == 130
    assert err == 'stdc_seg: interrupted\n'
    assert not folder.exists() or not list(folder.iterdir())


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('--version-compatible',), 'build without --version-compatible'),
        (('--size', 32, 96), 'network size is 32x96'),
    ],
)
def test_what_cannot_be_is_one_line(stdc_seg, rtx, model_path, folder, arguments, message):
    code, _, err = stdc_seg('build-engine', model_path, *arguments)
    assert code == 1
    assert err.startswith('stdc_seg: ')
    assert message in err
    assert err.count('\n') == 1
    assert not folder.exists()


def test_folder_of_others_is_refused_before_anything_is_built(
    stdc_seg, rtx, model_path, folder, monkeypatch
):
    monkeypatch.setattr(build_engine, 'build_plan', lambda *arguments, **named: 1 / 0)
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    code, _, err = stdc_seg('build-engine', model_path)
    assert code == 1
    assert 'can be written by others' in err


def test_without_tensorrt_the_error_says_what_to_install(stdc_seg, model_path, monkeypatch):
    for name in ('tensorrt', 'tensorrt_rtx'):
        monkeypatch.setitem(sys.modules, name, None)
    code, _, err = stdc_seg('build-engine', model_path)
    assert code == 1
    assert err.endswith('pip install tensorrt-rtx-cu13\n')
