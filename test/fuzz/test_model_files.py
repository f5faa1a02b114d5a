"""Model files and checkpoints of any content: read and run, or refused in one line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import damaged, fuzz, mutated, no_hang, plain_data
from tiny_model import tiny_model

from stdc_core.engines import open_engine
from stdc_core.errors import UserError
from stdc_core.model_file import ModelFileError, read_model_file

MODEL = tiny_model()
BYTES = MODEL.SerializeToString()
METADATA = json.loads(MODEL.metadata_props[0].value)


def read(path):
    try:
        return read_model_file(path)
    except ModelFileError as error:
        assert str(path) in str(error)
        assert '\n' not in str(error)


@pytest.mark.parametrize('backend', ['onnxruntime', 'openvino'])
@fuzz
@given(data=mutated(BYTES) | st.binary())
def test_model_files(tmp_path, backend, data):
    path = tmp_path / 'mutated.onnx'
    path.write_bytes(data)
    with no_hang():
        if (model := read(path)) is None:
            return
        try:
            with open_engine(model, backend, threads=1) as engine:
                labels = engine.infer(model.metadata.self_check.frame, confidence=True).labels
        except UserError as error:
            assert '\n' not in str(error)
            return
    assert labels.shape == model.metadata.default_size


@fuzz
@given(damaged(METADATA) | plain_data)
def test_metadata_of_model_files(tmp_path, fields):
    proto = tiny_model()
    proto.metadata_props[0].value = json.dumps(fields)
    path = tmp_path / 'damaged.onnx'
    path.write_bytes(proto.SerializeToString())
    with no_hang():
        read(path)


@fuzz
@given(st.text() | mutated(json.dumps(METADATA).encode()).map(lambda b: b.decode('latin-1')))
def test_metadata_that_is_no_json(tmp_path, text):
    proto = tiny_model()
    proto.metadata_props[0].value = text.encode(errors='replace').decode()
    path = tmp_path / 'damaged.onnx'
    path.write_bytes(proto.SerializeToString())
    with no_hang():
        read(path)
