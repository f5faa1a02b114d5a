"""OpenVINO, nncf and ONNX Runtime send usage events unless they are kept from it."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

# Any look-up of a host, any connection and any new process ends the program with exit code 3; but
# for ldconfig, which torch asks for a library where cuda-bindings is installed.
WATCH = """
import os, sys
def watch(event, arguments):
    if event == 'subprocess.Popen' and arguments[0] == '/sbin/ldconfig':
        return
    if event in ('socket.getaddrinfo', 'socket.connect', 'subprocess.Popen', 'os.fork'):
        sys.stderr.write(f'{event} {arguments}')
        os._exit(3)
sys.addaudithook(watch)
"""


def run(code: str, home) -> subprocess.CompletedProcess:
    environment = {**os.environ, 'HOME': str(home)}
    for name in ('ORT_DISABLE_TELEMETRY', 'XDG_CACHE_HOME'):
        environment.pop(name, None)
    command = [sys.executable, '-c', WATCH + code]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize('backend', ['openvino', 'onnxruntime'])
def test_the_engine_sends_nothing_and_leaves_nothing(tmp_path, model_path, backend):
    code = f"""
from stdc_core.engines import open_engine
with open_engine({str(model_path)!r}, {backend!r}) as engine:
    engine.infer(engine.model.metadata.self_check.frame)
assert sys.modules['openvino_telemetry'] is None
"""
    result = run(code, tmp_path)
    assert result.returncode == 0, result.stderr
    assert_nothing_is_left(tmp_path)


def test_quantizing_sends_nothing_and_leaves_nothing(tmp_path, model_path):
    code = f"""
import numpy as np
from stdc_core.model_file import read_model_file
from stdc_core.quantization.graph import quantize_graph
proto = read_model_file({str(model_path)!r}).proto
quantize_graph(proto, [np.zeros((64, 64, 3), np.uint8)])
"""
    result = run(code, tmp_path)
    assert result.returncode == 0, result.stderr
    assert_nothing_is_left(tmp_path)


def assert_nothing_is_left(home):
    """ONNX Runtime sends in C++, where nobody watches, but writes an identifier first."""
    assert not (home / 'intel').exists()
    assert not list(home.rglob('Microsoft'))


def test_there_is_telemetry_to_forbid():
    """Without these the tests above would prove nothing."""
    assert importlib.metadata.version('openvino-telemetry')
    version = importlib.metadata.version('onnxruntime')
    if tuple(int(part) for part in version.split('.')[:2]) >= (1, 32):
        import onnxruntime.capi

        (folder,) = onnxruntime.capi.__path__
        (library,) = Path(folder).glob('onnxruntime_pybind11_state*')
        assert b'ORT_DISABLE_TELEMETRY' in library.read_bytes()
