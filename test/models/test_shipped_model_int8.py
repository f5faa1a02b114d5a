"""The model that comes along survives int8, calibrated on nothing but rendered streets."""

from pathlib import Path

import pytest

from stdc_core.command_line.calibration import rendered_streets
from stdc_core.engines import open_engine
from stdc_core.model_file import read_model_file
from stdc_core.quantization.quantize import quantize_model

MODEL = Path(__file__).parents[2] / 'models/stdc1_camvid.onnx'


@pytest.mark.slow
def test_int8_keeps_the_labels(tmp_path):
    model = read_model_file(MODEL)
    size = model.metadata.default_size
    calibration = rendered_streets(model, size, 12, 0, lambda number: None)
    report = quantize_model(model, tmp_path / 'int8.onnx', calibration, size=size)
    assert report.judgement.label_agreement >= 0.99
    assert {'head.classify', 'detail_head.classify'} <= set(report.left_in_float)
    for backend in ('openvino', 'onnxruntime'):
        with open_engine(tmp_path / 'int8.onnx', backend) as engine:
            assert engine.info.agreement >= 0.99
