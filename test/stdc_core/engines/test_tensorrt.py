"""The TensorRT engine: without a driver here, on the tests' own driver in another process.

What no test here runs: TensorRT itself, and a GPU.
"""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stdc_core.engines import EngineUnavailableError, open_engine
from stdc_core.engines.loaded_plan import LoadedPlan
from stdc_core.geometry import Size
from stdc_core.tensorrt.build import build_plan
from stdc_core.tensorrt.gpu_probe import find_gpu
from stdc_core.tensorrt.library import find_tensorrt

CASES = Path(__file__).with_name('on_fake_gpu')


def run_cases(fake_driver: Path, marker: str) -> None:
    pytest.importorskip('cuda.bindings.driver', reason='NOT RUN, needs: pip install cuda-bindings')
    paths = [str(fake_driver.parent), *filter(None, [os.environ.get('LD_LIBRARY_PATH')])]
    environment = {**os.environ, 'LD_LIBRARY_PATH': ':'.join(paths)}
    cases = sorted(set(CASES.glob('*.py')) - {CASES / 'conftest.py'})
    options = ['-q', '-p', 'no:cacheprovider', '-m', marker]
    command = [sys.executable, '-m', 'pytest', *options, *cases]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-5000:]
    assert ' passed' in done.stdout


def test_on_a_fake_gpu(fake_driver):
    run_cases(fake_driver, 'not slow')


@pytest.mark.slow
def test_on_a_fake_gpu_for_long(fake_driver):
    run_cases(fake_driver, 'slow')


def test_the_real_runtime_refuses_a_real_plan_in_one_line_without_a_driver(model):
    """As far as a plan gets without a GPU: TensorRT-RTX's own runtime, and no crash."""
    pytest.importorskip('tensorrt_rtx', reason='NOT RUN, needs: pip install tensorrt-rtx-cu13')
    try:
        find_gpu()
    except EngineUnavailableError:
        library = find_tensorrt('tensorrt_rtx')
    else:
        pytest.skip('there is a GPU')
    plan = build_plan(model, library, None, size=Size(64, 64), detail=False, precision='fp32')
    with pytest.raises(EngineUnavailableError, match=r'does not load the plan: .*CUDA') as error:
        LoadedPlan(library, plan, len(model.metadata.labels))
    assert '\n' not in str(error.value)


@pytest.fixture
def no_driver(monkeypatch):
    real = ctypes.CDLL

    def without_cuda(name, *arguments):
        if name and 'libcuda' in str(name):
            raise OSError(f'{name}: cannot open shared object file')
        return real(name, *arguments)

    monkeypatch.setattr(ctypes, 'CDLL', without_cuda)


@pytest.mark.usefixtures('no_driver')
def test_without_a_driver_it_says_so(model):
    with pytest.raises(EngineUnavailableError, match=r'no NVIDIA driver \(libcuda\.so\.1\)'):
        open_engine(model, 'tensorrt')


@pytest.mark.usefixtures('no_driver')
def test_without_a_driver_auto_goes_on_and_says_why(model):
    with open_engine(model, threads=1) as engine:
        assert engine.info.backend == 'openvino'
        assert 'no NVIDIA driver' in engine.info.reason


def test_nothing_of_cuda_is_imported_without_a_driver(model_path):
    code = f"""
import sys
from stdc_core.engines import open_engine
open_engine({str(model_path)!r}, threads=1).close()
loaded = {{name.partition('.')[0] for name in sys.modules}}
assert not loaded & {{'pycuda', 'cuda', 'tensorrt', 'tensorrt_rtx', 'torch'}}, loaded
"""
    environment = {key: value for key, value in os.environ.items() if key != 'LD_LIBRARY_PATH'}
    environment.pop('_ROS_WHEELS_BOOTSTRAP_COMPLETE', None)
    environment['CUDA_VISIBLE_DEVICES'] = ''
    subprocess.run([sys.executable, '-c', code], env=environment, check=True)
