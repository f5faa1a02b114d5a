"""TensorRT-RTX, which builds on any processor; an int8 model; fingerprints."""

from dataclasses import replace

import pytest

from stdc_core.engines import EngineUnavailableError
from stdc_core.geometry import Size
from stdc_core.model_file import ModelFile
from stdc_core.quantization.graph import quantize_graph
from stdc_core.synthetic.drive import frame_from_anywhere
from stdc_core.tensorrt.fingerprint import FORMAT, PlanFingerprint
from stdc_core.tensorrt.library import TensorRT, find_tensorrt

SIZE = Size(96, 160)


@pytest.fixture(scope='session')
def rtx() -> TensorRT:
    try:
        return find_tensorrt('tensorrt_rtx')
    except EngineUnavailableError as error:
        pytest.skip(f'NOT RUN, needs TensorRT-RTX: {error}')


@pytest.fixture
def no_gpu(monkeypatch):
    """As on a machine without one, wherever the tests run."""

    def nothing(index=0):
        raise EngineUnavailableError('no driver')

    for module in ('command_line.build_engine', 'tensorrt.library'):
        monkeypatch.setattr(f'stdc_core.{module}.find_gpu', nothing)


@pytest.fixture(scope='session')
def quantized_model(model) -> ModelFile:
    """Quantize the shared random model; its other metadata are the float ones."""
    images = [frame_from_anywhere(number, 3, SIZE).image for number in range(4)]
    metadata = replace(model.metadata, quantization={'precision': 'int8'})
    return replace(model, proto=quantize_graph(model.proto, images), metadata=metadata)


@pytest.fixture
def fingerprint() -> PlanFingerprint:
    return PlanFingerprint(
        format=FORMAT,
        flavour='tensorrt',
        version='10.3.0',
        platform='linux-aarch64',
        compute_capability='8.7',
        gpu='Orin',
        model_sha256='0123456789abcdef' * 4,
        size=Size(512, 1024),
        batch=1,
        precision='fp16',
        detail=False,
        version_compatible=False,
    )
