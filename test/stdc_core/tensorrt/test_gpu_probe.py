"""Asking libcuda: here a fake one, called as the real one is."""

import ctypes

import pytest

from stdc_core.engines import EngineUnavailableError
from stdc_core.tensorrt.gpu_probe import Gpu, find_gpu

NO_DEVICE = 100


class FakeDriver:
    """Two GPUs; what a function returns can be set."""

    def __init__(self, gpus=(('Orin', 8, 7), ('NVIDIA GeForce RTX 4090', 8, 9)), **status):
        self.gpus, self.status = gpus, status

    def __getattr__(self, name):
        def function(*arguments):
            if code := self.status.get(name, 0):
                return code
            return getattr(type(self), f'_{name}')(self, *arguments) or 0

        return function

    def _cuInit(self, flags):  # noqa: N802
        assert flags == 0

    def _cuDeviceGetCount(self, count):  # noqa: N802
        count._obj.value = len(self.gpus)

    def _cuDeviceGet(self, device, index):  # noqa: N802
        device._obj.value = 40 + index

    def _cuDeviceGetName(self, buffer, size, device):  # noqa: N802
        assert size == 256
        buffer.value = self.gpus[device.value - 40][0].encode()

    def _cuDeviceGetAttribute(self, value, attribute, device):  # noqa: N802
        value._obj.value = self.gpus[device.value - 40][{75: 1, 76: 2}[attribute]]

    def _cuGetErrorString(self, status, text):  # noqa: N802
        text._obj.value = {NO_DEVICE: b'no CUDA-capable device is detected'}.get(status)


@pytest.fixture
def driver(monkeypatch):
    def install(fake):
        def load(name):
            assert name == 'libcuda.so.1'
            if isinstance(fake, Exception):
                raise fake
            return fake

        monkeypatch.setattr(ctypes, 'CDLL', load)

    return install


def test_first_gpu_is_taken(driver):
    driver(FakeDriver())
    assert find_gpu() == Gpu('Orin', '8.7')


def test_another_can_be_asked_for(driver):
    driver(FakeDriver())
    assert find_gpu(1) == Gpu('NVIDIA GeForce RTX 4090', '8.9')


@pytest.mark.parametrize(
    ('fake', 'message'),
    [
        (OSError('libcuda.so.1: cannot open'), 'no NVIDIA driver'),
        (FakeDriver(cuInit=NO_DEVICE), 'no CUDA-capable device is detected .cuInit.'),
        (FakeDriver(cuInit=999), 'unknown error .cuInit.'),
        (FakeDriver(gpus=()), 'shows 0 GPUs and number 0 is asked for'),
        (FakeDriver(cuDeviceGetName=NO_DEVICE), 'cuDeviceGetName'),
    ],
)
def test_without_one_the_error_says_why(driver, fake, message):
    driver(fake)
    with pytest.raises(EngineUnavailableError, match=message):
        find_gpu()
