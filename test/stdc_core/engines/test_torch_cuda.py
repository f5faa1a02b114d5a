"""The torch-cuda engine on the CPU: its own way from frame to labels, without graph and kernels.

What no test here runs: a GPU, CUDA graphs, cuDNN in half precision.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from stdc_core.engines import EngineError, EngineUnavailableError, open_engine
from stdc_core.engines.torch_cuda import TorchCudaEngine
from stdc_core.geometry import FrameGeometry, Size
from stdc_core.model_file import read_model_file
from stdc_core.upsample import upsample_labels

SHIPPED = Path(__file__).parents[3] / 'models/stdc1_camvid.onnx'


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch):
    monkeypatch.setattr(TorchCudaEngine, 'device_type', 'cpu')


@pytest.fixture
def engine(model):
    with open_engine(model, 'torch-cuda', precision='fp32', detail=True) as engine:
        yield engine


@pytest.mark.parametrize('color_order', ['bgr', 'rgb'])
def test_a_frame_goes_the_defined_way(engine, model, frame, color_order):
    geometry = FrameGeometry(Size(90, 170), Size(96, 160), 'stretch')
    image = np.empty((96, 160, 3), np.uint8)
    geometry.resize(frame, image, color_order)
    logits = engine.run_network(image).logits
    expected = upsample_labels(logits, geometry.sampling(Size(12, 20), True))
    result = engine.infer(frame, color_order=color_order, confidence=True)
    np.testing.assert_array_equal(result.labels, expected)
    with open_engine(model, 'onnxruntime', detail=True) as reference:
        expected = reference.infer(frame, color_order=color_order, confidence=True)
    for found, there in (
        (result.confidence, expected.confidence),
        (result.detail, expected.detail),
    ):
        assert np.abs(found.astype(int) - there).max() <= 2
    assert min(result.stage_ms.resize, result.stage_ms.network, result.stage_ms.tail) > 0


def test_results_belong_to_the_engine_and_outlive_it(model, frame):
    with open_engine(model, 'torch-cuda', precision='fp32') as engine:
        first = engine.infer(frame)
        kept = first.labels.copy()
        assert engine.infer(255 - frame).labels is first.labels
        assert (first.labels != kept).any()
        assert first.detail is first.confidence is None
        assert engine.info.tail == 'torch'


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(('which', 'channels'), [(0, 11), (1, 1)])
def test_values_without_an_order_make_no_labels(
    engine, frame, monkeypatch, which, channels, value
):
    expected = engine.infer(frame).labels.copy()
    network = engine._network

    def spoilt(image):
        outputs = network(image)
        outputs[which][..., 1, 3] = value
        return outputs

    refused = f'torch-cuda computed {channels} of {240 * channels} values as NaN or infinite'
    with monkeypatch.context() as patch:
        patch.setattr(engine, '_network', spoilt)
        with pytest.raises(EngineError, match=refused):
            engine.infer(frame)
    np.testing.assert_array_equal(engine.infer(frame).labels, expected)


def test_sizes_in_a_flood_are_forgotten(engine):
    for width in range(20, 40):
        assert engine.infer(np.zeros((30, width, 3), np.uint8)).labels.shape == (30, width)
    assert len(engine._frames) <= 8


def test_without_a_gpu_it_says_so(model, monkeypatch):
    monkeypatch.setattr(TorchCudaEngine, 'device_type', 'cuda')
    if torch.cuda.is_available():
        pytest.skip('there is a GPU')
    with pytest.raises(EngineUnavailableError, match=r'torch .* finds no GPU: is there a driver'):
        open_engine(model, 'torch-cuda')


@pytest.mark.slow
def test_in_half_the_shipped_model_proves_itself():
    """Convolutions in half on the CPU: the arithmetic of fp16, not cuDNN's kernels."""
    with open_engine(read_model_file(SHIPPED), 'torch-cuda') as engine:
        assert engine.info.precision == 'fp16'
        assert engine.info.agreement > 0.999
