"""Which TensorRT is taken, and what plans are built for."""

import sys
from types import SimpleNamespace

import pytest

from stdc_core.engines import EngineUnavailableError
from stdc_core.tensorrt import library
from stdc_core.tensorrt.gpu_probe import Gpu
from stdc_core.tensorrt.library import TensorRT, built_for, find_tensorrt, version_numbers

ORIN, TURING = Gpu('Orin', '8.7'), Gpu('RTX 2080', '7.5')


@pytest.fixture
def installed(monkeypatch):
    """Let these versions be installed; None: it does not import."""

    def install(tensorrt=None, tensorrt_rtx=None):
        for name, version in (('tensorrt', tensorrt), ('tensorrt_rtx', tensorrt_rtx)):
            module = None if version is None else SimpleNamespace(__version__=version)
            monkeypatch.setitem(sys.modules, name, module)

    return install


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.setattr(library, 'find_gpu', lambda index=0: ORIN)


@pytest.mark.parametrize('version', ['10.3.0', '10.16.1.11', '11.0.0', '11.4.1.post1'])
def test_tensorrt_goes_first_where_there_is_a_gpu(installed, gpu, version):
    installed(tensorrt=version, tensorrt_rtx='1.7.1')
    assert find_tensorrt().flavour == 'tensorrt'
    assert find_tensorrt('tensorrt').version == version
    assert find_tensorrt('tensorrt_rtx').version == '1.7.1'


def test_without_a_gpu_tensorrt_is_not_even_imported(no_gpu, installed, monkeypatch):
    installed(tensorrt='10.3.0', tensorrt_rtx='1.7.1')

    def only_rtx(name):
        assert name == 'tensorrt_rtx'
        return sys.modules[name]

    monkeypatch.setattr(library.importlib, 'import_module', only_rtx)
    assert find_tensorrt().flavour == 'tensorrt_rtx'
    with pytest.raises(EngineUnavailableError, match='TensorRT: no driver'):
        find_tensorrt('tensorrt')


def test_without_any_the_error_says_what_to_install(no_gpu, installed):
    installed()
    with pytest.raises(EngineUnavailableError) as raised:
        find_tensorrt()
    assert 'TensorRT: no driver; TensorRT-RTX: it does not import' in str(raised.value)
    assert str(raised.value).endswith('pip install tensorrt-rtx-cu13')


@pytest.mark.parametrize('version', ['8.6.1', '10.2.9', '12.0.0'])
def test_versions_nobody_wrote_this_for_are_refused(installed, gpu, version):
    installed(tensorrt=version)
    with pytest.raises(EngineUnavailableError, match=f'{version} is installed, expected 10.3 or'):
        find_tensorrt('tensorrt')


def test_a_stub_that_raises_what_it_likes_is_not_installed(gpu, monkeypatch):
    def broken(name):
        raise FileNotFoundError('libnvinfer.so.10: not found\nmore')

    monkeypatch.setattr(library.importlib, 'import_module', broken)
    with pytest.raises(EngineUnavailableError, match=r'not import \(libnvinfer.so.10: not found'):
        find_tensorrt('tensorrt')


@pytest.mark.parametrize(
    ('text', 'numbers'),
    [
        ('10.3.0', (10, 3, 0)),
        ('10.13.2.6', (10, 13, 2, 6)),
        ('11.0.0rc1', (11, 0)),
        ('8.7', (8, 7)),
    ],
)
def test_versions_are_numbers(text, numbers):
    assert version_numbers(text) == numbers


CLASSIC, RTX = TensorRT(None, 'tensorrt', '10.3.0'), TensorRT(None, 'tensorrt_rtx', '1.7.1')


@pytest.mark.parametrize(
    ('tensorrt', 'gpu', 'hardware_compatible', 'target'),
    [
        (CLASSIC, ORIN, False, ORIN),
        (CLASSIC, TURING, False, TURING),
        (CLASSIC, ORIN, True, Gpu('', '8.0+')),
        (RTX, None, False, Gpu('', '8.0+')),
        (RTX, None, True, Gpu('', '8.0+')),
        (RTX, ORIN, False, Gpu('', '8.0+')),
        (RTX, TURING, False, Gpu('', '7.5')),
    ],
)
def test_what_a_plan_is_built_for(tensorrt, gpu, hardware_compatible, target):
    assert built_for(tensorrt, gpu, hardware_compatible=hardware_compatible) == target


@pytest.mark.parametrize(
    ('tensorrt', 'gpu', 'hardware_compatible', 'message'),
    [
        (CLASSIC, None, False, 'there is none here'),
        (CLASSIC, TURING, True, 'RTX 2080 has compute capability 7.5.*without --hardware'),
        (RTX, TURING, True, 'without --hardware'),
    ],
)
def test_what_cannot_be_built(tensorrt, gpu, hardware_compatible, message):
    with pytest.raises(EngineUnavailableError, match=message):
        built_for(tensorrt, gpu, hardware_compatible=hardware_compatible)
