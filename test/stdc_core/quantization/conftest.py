"""The shared random model, quantized once."""

from dataclasses import replace

import pytest

from stdc_core.model_file import ModelFile
from stdc_core.quantization.graph import quantize_graph
from stdc_core.synthetic.drive import frame_from_anywhere

SIZE = (96, 160)


@pytest.fixture(scope='session')
def images():
    """Render streets of the network's size; the first four are of one street."""
    return [frame_from_anywhere(number, 3, SIZE).image for number in range(6)]


@pytest.fixture(scope='session')
def quantized(model, images):
    return quantize_graph(model.proto, images[:4])


@pytest.fixture(scope='session')
def int8_graph_model(model, quantized) -> ModelFile:
    """Put the int8 graph into the model file; its metadata are the float ones."""
    return replace(model, proto=quantized)
