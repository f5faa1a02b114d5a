"""OpenVINO sends usage events on import unless its telemetry package cannot be imported."""

import importlib.metadata
import os
import subprocess
import sys

# Any look-up of a host, any connection and any new process ends the program with exit code 3.
WATCH = """
import os, sys
def watch(event, arguments):
    if event in ('socket.getaddrinfo', 'socket.connect', 'subprocess.Popen', 'os.fork'):
        sys.stderr.write(f'{event} {arguments}')
        os._exit(3)
sys.addaudithook(watch)
"""


def run(code: str, home) -> subprocess.CompletedProcess:
    environment = {**os.environ, 'HOME': str(home)}
    command = [sys.executable, '-c', WATCH + code]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_the_engine_sends_nothing_and_leaves_nothing(tmp_path, model_path):
    code = f"""
from stdc_core.engines import open_engine
with open_engine({str(model_path)!r}, 'openvino') as engine:
    engine.infer(engine.model.metadata.self_check.frame)
assert sys.modules['openvino_telemetry'] is None
"""
    result = run(code, tmp_path)
    assert result.returncode == 0, result.stderr
    assert not (tmp_path / 'intel').exists()


def test_there_is_telemetry_to_forbid():
    """Without this package (not imported here) the test above would prove nothing."""
    assert importlib.metadata.version('openvino-telemetry')
