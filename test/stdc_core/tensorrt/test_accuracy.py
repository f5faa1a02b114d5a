"""What precision costs in the graphs TensorRT gets, with the shipped weights on real CamVid val.

fp16 by torch in half, int8 by ONNX Runtime: no GPU computed anything here.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from strongly_typed import run_strongly_typed

from stdc_core.geometry import FrameGeometry, Size
from stdc_core.model_file import logit_grid, read_model_file
from stdc_core.tensorrt.graph import network_graph
from stdc_core.training.datasets import open_dataset
from stdc_core.training.evaluation import evaluate
from stdc_core.upsample import upsample_labels

MODELS = Path(__file__).parents[3] / 'models'
FRAME = Size(360, 480)  # CamVid's; the networks have the shipped files' own size


class Network:
    """A graph computed by ONNX Runtime, or literally by torch; RGB image to labels."""

    def __init__(self, name, precision, *, literal=False):
        model = read_model_file(MODELS / name)
        metadata = model.metadata
        size = metadata.default_size
        self.graph = network_graph(model, size=size, detail=False, precision=precision)
        self.geometry = FrameGeometry(FRAME, size, metadata.resize)
        self.sampling = self.geometry.sampling(logit_grid(size), metadata.align_corners)
        self.input = np.empty((1, *size, 3), np.uint8)
        self.literal = literal
        if not literal:
            options = ort.SessionOptions()
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
            options.intra_op_num_threads = 2
            self.session = ort.InferenceSession(
                self.graph.SerializeToString(), options, providers=['CPUExecutionProvider']
            )

    def __call__(self, image):
        self.geometry.resize(image, self.input[0], 'rgb')
        if self.literal:
            logits = run_strongly_typed(self.graph, self.input)['logits']
        else:
            (logits,) = self.session.run(['logits'], {'image': self.input})
        return upsample_labels(logits[0], self.sampling)


@pytest.fixture(scope='module')
def val(real_camvid):
    return open_dataset(real_camvid).split('val')


@pytest.mark.slow
def test_half_keeps_999_of_1000_labels(val):
    half = Network('stdc1_camvid.onnx', 'fp16', literal=True)
    exact = Network('stdc1_camvid.onnx', 'fp32')
    for number in range(0, len(val), 20):
        image = val.load(number).image
        assert np.mean(half(image) == exact(image)) > 0.999


@pytest.mark.slow
def test_int8_keeps_miou_and_boundaries(val):
    every_third = replace(val, pairs=val.pairs[::3])
    exact = evaluate(Network('stdc1_camvid.onnx', 'fp32'), every_third, (3,))
    int8 = evaluate(Network('stdc1_camvid_int8.onnx', 'fp32'), every_third, (3,))
    assert int8.scores.miou > exact.scores.miou - 0.005
    (exact_boundary,), (int8_boundary,) = exact.boundary, int8.boundary
    assert int8_boundary.mean_f_score > exact_boundary.mean_f_score - 0.01
