"""The TensorRT engine on the fake driver; test_tensorrt.py runs it in a process of its own."""

import fake_tensorrt
import pytest
from fake_gpu import LIBRARIES, Driver

from stdc_core.cuda import device as device_module
from stdc_core.engines import open_engine
from stdc_core.engines import tensorrt as engine_module
from stdc_core.tensorrt.fingerprint import fingerprint_of
from stdc_core.tensorrt.library import TensorRT
from stdc_core.tensorrt.plan import Plan


@pytest.fixture(scope='module', params=LIBRARIES)
def library(request):
    if request.param == 'pycuda':
        from stdc_core.cuda.pycuda_device import PycudaDevice as Device
    else:
        from stdc_core.cuda.bindings_device import BindingsDevice as Device
    return Device


@pytest.fixture
def driver():
    driver = Driver()
    yield driver
    for name, value in (
        ('memory_limit', 1 << 33),
        ('capture_refused', 0),
        ('init_result', 0),
        ('device_count', 1),
        ('check_memory', 1),
    ):
        driver.set(name, value)


@pytest.fixture(autouse=True)
def fake_gpu(library, driver, monkeypatch):
    """Set up GPU, TensorRT and plans of every size; at the end nothing may be left of them."""
    tensorrt = TensorRT(fake_tensorrt, 'tensorrt', '10.3.0')

    def load_plan(model, tensorrt, gpu, *, size, detail, precision):
        fingerprint = fingerprint_of(
            model, tensorrt, gpu, size=size, detail=detail, precision=precision
        )
        return Plan(fingerprint, fake_tensorrt.plan_graph(model, size, detail))

    monkeypatch.setattr(engine_module, 'find_tensorrt', lambda: tensorrt)
    monkeypatch.setattr(engine_module, 'load_plan', load_plan)
    monkeypatch.setattr(engine_module, 'open_device', library)
    monkeypatch.setattr(fake_tensorrt.Context, 'compute', True)
    device_module.open_device().close()  # pycuda keeps the context with the process
    before = driver.counts()
    yield
    assert driver.misuse() == ''
    assert driver.counts() == before


@pytest.fixture
def engine(model):
    with open_engine(model, 'tensorrt') as engine:
        yield engine


@pytest.fixture
def reference(model):
    with open_engine(model, 'onnxruntime', threads=1, detail=True) as engine:
        yield engine
