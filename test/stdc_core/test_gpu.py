"""GPUs as a pretended NVML tells of them; there is no GPU in the tests."""

import sys
from types import SimpleNamespace

import pytest

from stdc_core.gpu import GpuFacts, GpuMonitor

MIB = 2**20


class FakeNvml:
    """Two GPUs; the second one is a Jetson's, which tells no memory."""

    NVML_TEMPERATURE_GPU = 0

    class NVMLError(Exception):
        pass

    def __init__(self, *, failing=()):
        self.running = 0
        self._failing = failing

    def __getattribute__(self, name):
        if name.startswith('nvml') and name in self._failing:
            raise self.NVMLError(name)
        return super().__getattribute__(name)

    def nvmlInit(self):  # noqa: N802
        self.running += 1

    def nvmlShutdown(self):  # noqa: N802
        self.running -= 1

    def nvmlDeviceGetCount(self):  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, index):  # noqa: N802
        return ('first', 'second')[index]

    def nvmlDeviceGetName(self, device):  # noqa: N802
        return {'first': 'RTX 4000 Ada', 'second': b'Orin'}[device]

    def nvmlDeviceGetMemoryInfo(self, device):  # noqa: N802
        if device == 'second':
            raise self.NVMLError('Not Supported')
        return SimpleNamespace(used=1200 * MIB, total=20475 * MIB, free=19275 * MIB)

    def nvmlDeviceGetTemperature(self, device, sensor):  # noqa: N802
        assert sensor == self.NVML_TEMPERATURE_GPU
        return {'first': 61, 'second': 47}[device]


@pytest.fixture
def pretend(monkeypatch):
    def install(**how):
        nvml = FakeNvml(**how)
        monkeypatch.setitem(sys.modules, 'pynvml', nvml)
        return nvml

    return install


def test_every_gpu_tells_what_it_knows(pretend):
    nvml = pretend()
    with GpuMonitor() as monitor:
        assert monitor.facts() == [
            GpuFacts(0, 'RTX 4000 Ada', 1200 * MIB, 20475 * MIB, 61),
            GpuFacts(1, 'Orin', None, None, 47),
        ]
        assert nvml.running == 1
    assert nvml.running == 0
    assert not monitor.facts()


def test_without_pynvml_there_is_nothing_to_tell(monkeypatch):
    monkeypatch.setitem(sys.modules, 'pynvml', None)
    with GpuMonitor() as monitor:
        assert not monitor.facts()


def test_without_a_driver_there_is_nothing_to_tell(pretend):
    nvml = pretend(failing=['nvmlInit'])
    with GpuMonitor() as monitor:
        assert not monitor.facts()
    assert nvml.running == 0


@pytest.mark.parametrize('failing', ['nvmlDeviceGetCount', 'nvmlDeviceGetHandleByIndex'])
def test_gpus_that_cannot_be_found_are_not_told_of(pretend, failing):
    pretend(failing=[failing, 'nvmlShutdown'])
    with GpuMonitor() as monitor:
        assert not monitor.facts()


def test_what_fails_costs_that_fact_only(pretend):
    nvml = pretend()
    with GpuMonitor() as monitor:
        nvml._failing = ['nvmlDeviceGetTemperature', 'nvmlDeviceGetName']
        assert monitor.facts()[0] == GpuFacts(0, None, 1200 * MIB, 20475 * MIB, None)
