"""The model file: what comes back, what is refused, what its graph is."""

import dataclasses
import json

import numpy as np
import onnx
import onnx.numpy_helper
import onnxruntime
import pytest

from stdc_core.geometry import Size
from stdc_core.labels import CAMVID
from stdc_core.model_file import (
    METADATA_KEY,
    ModelFileError,
    logit_grid,
    read_model_file,
)


@pytest.fixture
def proto(model):
    copy = onnx.ModelProto()
    copy.CopyFrom(model.proto)
    return copy


def rewrite(proto, path, change_metadata=None):
    if change_metadata:
        (entry,) = (p for p in proto.metadata_props if p.key == METADATA_KEY)
        fields = json.loads(entry.value)
        change_metadata(fields)
        entry.value = json.dumps(fields)
    path.write_bytes(proto.SerializeToString())
    return path


def test_metadata_comes_back(model, checkpoint):
    metadata = model.metadata
    assert metadata.labels == CAMVID
    assert metadata.architecture == dataclasses.asdict(checkpoint.config)
    assert metadata.default_size == (96, 160)
    assert metadata.resize == 'stretch'
    assert metadata.align_corners is True
    assert not metadata.trained
    assert metadata.self_check.frame.shape == (96, 160, 3)
    assert metadata.self_check.labels.shape == (96, 160)
    assert metadata.versions.keys() == {'stdc_seg_ros', 'torch'}
    assert len(model.sha256) == 64


def test_graph_takes_uint8_nhwc_and_ends_at_logits(model):
    (image,) = model.proto.graph.input
    assert image.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    dimensions = image.type.tensor_type.shape.dim
    assert [d.dim_value for d in dimensions] == [1, 0, 0, 3]  # height and width are dynamic
    assert model.proto.graph.node[0].op_type in ('Cast', 'Shape')
    operators = {node.op_type for node in model.proto.graph.node}
    assert not operators & {'BatchNormalization', 'ArgMax', 'If', 'Loop', 'NonZero'}
    assert [output.name for output in model.proto.graph.output] == ['logits', 'detail']


@pytest.mark.parametrize('size', [Size(64, 64), Size(97, 203), Size(72, 100)])
@pytest.mark.parametrize('detail', [False, True])
def test_static_graph_has_the_size_and_outputs_asked_for(model, size, detail):
    graph = model.static_graph(size, detail=detail)
    session = onnxruntime.InferenceSession(graph, providers=['CPUExecutionProvider'])
    assert session.get_inputs()[0].shape == [1, *size, 3]
    outputs = session.run(None, {'image': np.zeros((1, *size, 3), np.uint8)})
    assert len(outputs) == 1 + detail
    assert outputs[0].shape == (1, 11, *logit_grid(size))
    nodes = {node.name for node in onnx.load_model_from_string(graph).graph.node}
    assert len(nodes) == len(model.proto.graph.node) - (0 if detail else 3)  # conv, ReLU, conv


def test_static_graph_leaves_the_model_dynamic(model):
    model.static_graph(Size(64, 64), detail=False)
    assert model.proto.graph.input[0].type.tensor_type.shape.dim[1].dim_value == 0
    assert model.has_detail


def test_sizes_below_64_are_refused(model):
    with pytest.raises(
        ValueError, match='network size is 63x100, expected height and width of 64 to'
    ):
        model.static_graph(Size(63, 100), detail=False)


def test_detail_is_refused_where_the_head_was_dropped(model, proto, tmp_path):
    del proto.graph.output[1]
    path = rewrite(proto, tmp_path / 'plain.onnx')
    with pytest.raises(ValueError, match=r'plain\.onnx was exported without its detail head'):
        read_model_file(path).static_graph(Size(64, 64), detail=True)


def test_weights_come_back_by_name(model, checkpoint):
    weights = model.weights()
    np.testing.assert_array_equal(
        weights['head.classify.weight'], checkpoint.state['head.classify.weight'].numpy()
    )
    assert weights['backbone.stem.0.conv.bias'].shape == (32,)


def test_missing_and_foreign_files_are_refused_by_name(proto, tmp_path):
    with pytest.raises(ModelFileError, match=r'cannot read model file .*gone\.onnx: No such file'):
        read_model_file(tmp_path / 'gone.onnx')
    with pytest.raises(ModelFileError, match='cannot read model file'):
        read_model_file(tmp_path)
    del proto.metadata_props[:]
    path = rewrite(proto, tmp_path / 'foreign.onnx')
    with pytest.raises(
        ModelFileError, match=r'foreign\.onnx is no model file .*producer: pytorch'
    ):
        read_model_file(path)


@pytest.mark.parametrize('length', [0, 1, 100, 10_000, -1, -10_000])
def test_truncated_files_are_refused(model_path, tmp_path, length):
    path = tmp_path / 'cut.onnx'
    path.write_bytes(model_path.read_bytes()[:length])
    with pytest.raises(ModelFileError, match=r'cut\.onnx'):
        read_model_file(path)


@pytest.mark.parametrize('content', [b'not a model', b'\x89PNG\r\n\x1a\n' * 50])
def test_other_formats_are_refused(tmp_path, content):
    path = tmp_path / 'text.onnx'
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=r'text\.onnx'):
        read_model_file(path)


def test_a_flipped_bit_in_the_weights_is_found(model_path, tmp_path):
    content = bytearray(model_path.read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / 'flipped.onnx'
    path.write_bytes(content)
    with pytest.raises(
        ModelFileError, match=r'flipped\.onnx is corrupt: its weights have SHA-256'
    ):
        read_model_file(path)


def test_a_broken_graph_is_found(proto, tmp_path):
    proto.graph.node[5].input[0] = 'nowhere'
    path = rewrite(proto, tmp_path / 'broken.onnx')
    with pytest.raises(ModelFileError, match=r'broken\.onnx is corrupt'):
        read_model_file(path)


def test_weights_in_other_files_are_refused(proto, tmp_path):
    entry = proto.graph.initializer[0].external_data.add()
    entry.key, entry.value = 'location', '/etc/passwd'
    with pytest.raises(ModelFileError, match='keeps its weights in other files'):
        read_model_file(rewrite(proto, tmp_path / 'external.onnx'))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda fields: fields.update(format_version=2), 'format version 2'),
        (lambda fields: fields.pop('labels'), 'labels'),
        (lambda fields: fields.update(labels=[]), 'label set'),
        (lambda fields: fields.update(resize='crop'), "unknown resize 'crop'"),
        (lambda fields: fields.update(default_size=[1]), 'bad metadata'),
        (lambda fields: fields.update(default_size=[96, 161]), 'not of the default size'),
        (lambda fields: fields['self_check'].update(frame_png='####'), 'bad metadata'),
        (lambda fields: fields['self_check'].update(labels_png=''), 'not a PNG'),
    ],
)
def test_bad_metadata_is_refused(proto, tmp_path, change, message):
    with pytest.raises(ModelFileError, match=message) as error:
        read_model_file(rewrite(proto, tmp_path / 'bad.onnx', change))
    assert 'bad.onnx' in str(error.value)


def test_metadata_that_is_no_json_is_refused(proto, tmp_path):
    proto.metadata_props[0].value = '{'
    with pytest.raises(ModelFileError, match=r'bad\.onnx has bad metadata'):
        read_model_file(rewrite(proto, tmp_path / 'bad.onnx'))


def test_a_checkpoint_is_told_from_a_model_file(tmp_path):
    path = tmp_path / 'net.safetensors'
    path.write_bytes(b'\x08\x00\x00\x00\x00\x00\x00\x00{"a": 1}')
    with pytest.raises(ModelFileError, match=r"is a checkpoint: make .* 'stdc_seg export'"):
        read_model_file(path)
