"""pycuda's device with a stand-in for pycuda, which has to be built: its errors are ours."""

import importlib
import sys
from types import ModuleType, SimpleNamespace

import pytest

from stdc_core.cuda.device import CudaError


class PycudaError(Exception):
    pass


@pytest.fixture
def pycuda_device(monkeypatch):
    """Import the module over the stand-in, and forget it afterwards."""
    driver, pycuda = ModuleType('pycuda.driver'), ModuleType('pycuda')
    driver.Error = PycudaError
    pycuda.driver, pycuda.VERSION_TEXT = driver, 'stand-in'
    name = 'stdc_core.cuda.pycuda_device'
    for each, module in (('pycuda', pycuda), ('pycuda.driver', driver), (name, None)):
        monkeypatch.setitem(sys.modules, each, module)
    del sys.modules[name]
    return importlib.import_module(name)


def test_an_error_while_a_graph_is_recorded_is_ours(pycuda_device, monkeypatch):
    def refused():
        raise PycudaError('cuMemcpyHtoDAsync failed: operation not permitted when capturing')

    graphs = SimpleNamespace(capture=lambda stream, enqueue: enqueue())
    monkeypatch.setattr(pycuda_device, 'graphs', graphs)
    device = object.__new__(pycuda_device.PycudaDevice)
    with pytest.raises(CudaError, match='not permitted when capturing'):
        device.capture(1, refused)
