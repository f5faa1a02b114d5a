"""Model files made to do harm: each is refused in one line, before it costs memory or runs."""

import base64
import json
import os

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tiny_model import SIZE, tiny_metadata, tiny_model, tiny_proto

from stdc_core.engines import EngineError, open_engine
from stdc_core.model_file import METADATA_KEY, ModelFileError, add_metadata, read_model_file


@pytest.fixture
def refuse(tmp_path):
    """Write a proto to a file that must be refused; give the message."""

    def write_and_read(proto: onnx.ModelProto) -> str:
        path = tmp_path / 'hostile.onnx'
        path.write_bytes(proto.SerializeToString())
        with pytest.raises(ModelFileError, match=r'hostile\.onnx') as error:
            read_model_file(path)
        message = str(error.value)
        assert '\n' not in message
        assert len(message) < 1000
        return message

    return write_and_read


def change_metadata(text_or_change) -> onnx.ModelProto:
    proto = tiny_model()
    if callable(text_or_change):
        fields = json.loads(proto.metadata_props[0].value)
        text_or_change(fields)
        text_or_change = json.dumps(fields)
    proto.metadata_props[0].value = text_or_change
    return proto


def test_the_tiny_model_is_a_model_file_and_runs(tmp_path):
    path = tmp_path / 'tiny.onnx'
    path.write_bytes(tiny_model().SerializeToString())
    with open_engine(path, 'onnxruntime') as engine:
        labels = engine.infer(engine.model.metadata.self_check.frame).labels
    assert labels.shape == SIZE


def external(tensor: TensorProto, location='../../etc/passwd') -> TensorProto:
    tensor.ClearField('raw_data')
    tensor.data_location = TensorProto.EXTERNAL
    if location is not None:
        entry = tensor.external_data.add()
        entry.key, entry.value = 'location', location
    return tensor


@pytest.mark.parametrize('location', ['../../etc/passwd', '/etc/passwd', 'beside.bin', None])
@pytest.mark.parametrize('where', ['initializer', 'constant', 'list', 'sparse', 'metadata only'])
def test_no_data_outside_the_file_is_read(refuse, monkeypatch, location, where):
    proto = tiny_model()
    tensor = helper.make_tensor('c', TensorProto.FLOAT, [2], [0, 0])
    if where == 'initializer':
        external(proto.graph.initializer[0], location)
    elif where == 'metadata only':  # said to be inside, with a place outside
        entry = proto.graph.initializer[0].external_data.add()
        entry.key, entry.value = 'location', location or ''
    elif where == 'sparse':
        external(proto.graph.sparse_initializer.add().values, location)
    else:
        attribute = proto.graph.node.add(op_type='Constant', output=['c']).attribute.add()
        tensors = attribute.tensors if where == 'list' else None
        (tensors.add() if tensors is not None else attribute.t).CopyFrom(
            external(tensor, location)
        )
    monkeypatch.setattr(onnx.numpy_helper, 'to_array', lambda *_: pytest.fail('read'))
    assert 'keeps its weights in other files' in refuse(proto)


@pytest.mark.parametrize(
    ('dims', 'message'),
    [([1 << 40, 1 << 20], 'reshape'), ([-1, -1], ''), ([1 << 62, 4], ''), ([0], '')],
)
def test_dimensions_that_the_data_does_not_have_are_refused(refuse, dims, message):
    proto = tiny_model()
    del proto.graph.initializer[0].dims[:]
    proto.graph.initializer[0].dims.extend(dims)
    said = refuse(proto)
    assert 'is corrupt' in said
    assert message in said


def test_a_type_that_there_is_not_is_refused(refuse):
    proto = tiny_model()
    proto.graph.initializer[0].data_type = 9999
    assert 'is corrupt' in refuse(proto)


def subgraph(op_type: str) -> onnx.NodeProto:
    body = helper.make_graph([], 'forever', [], [])
    return helper.make_node(op_type, ['image'], ['x'], body=body)


@pytest.mark.parametrize('op_type', ['Loop', 'If', 'Scan'])
def test_loops_and_branches_are_refused(refuse, op_type):
    proto = tiny_model()
    proto.graph.node.append(subgraph(op_type))
    assert 'has a loop or a branch' in refuse(proto)


def test_functions_and_operators_of_others_are_refused(refuse):
    proto = tiny_model()
    proto.functions.add(name='f', domain='own')
    assert 'has functions of its own' in refuse(proto)
    proto = tiny_model()
    proto.graph.node[0].domain = 'ai.onnx.contrib'
    assert "has operator Cast of 'ai.onnx.contrib'" in refuse(proto)


def test_other_inputs_and_outputs_are_refused(refuse):
    proto = tiny_model()
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    assert 'is no uint8' in refuse(proto)
    proto = tiny_model()
    proto.graph.input.add(name='second')
    assert 'inputs are image, second, expected image' in refuse(proto)
    proto = tiny_model()
    proto.graph.output[0].name = 'planes'
    assert 'outputs are planes, expected logits' in refuse(proto)
    proto = tiny_model()
    proto.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 3
    assert "logits have 3 classes, label set 'two' has 2" in refuse(proto)


@pytest.mark.parametrize(('stride', 'classes'), [(4, 2), (16, 2), (8, 7)])
@pytest.mark.parametrize('backend', ['onnxruntime', 'openvino'])
def test_logits_of_another_shape_are_refused(tmp_path, stride, classes, backend):
    """The compiled tail checks no bounds: it would read beside the array."""
    proto = tiny_proto('classes')
    proto.graph.node[2].attribute[0].ints[:] = [stride, stride]
    weight = np.zeros((classes, 3, 8, 8), np.float32)
    proto.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(weight, 'weight'))
    add_metadata(proto, tiny_metadata())
    path = tmp_path / 'odd.onnx'
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(EngineError, match=r'odd\.onnx'):
        open_engine(path, backend)


@pytest.mark.parametrize(
    'size', [[60000, 60000], [10**30, 64], [64.0, 72.0], [True, 72], ['64', 72], 'ab', None, [64]]
)
def test_an_absurd_default_size_is_refused(refuse, size):
    said = refuse(change_metadata(lambda fields: fields.update(default_size=size)))
    assert 'has bad metadata' in said
    assert 'size' in said


def png_that_announces(height: int, width: int) -> str:
    png = bytearray(cv2.imencode('.png', np.zeros((8, 8), np.uint8))[1].tobytes())
    png[16:24] = width.to_bytes(4, 'big') + height.to_bytes(4, 'big')
    return base64.b64encode(png).decode()


@pytest.mark.parametrize('key', ['frame_png', 'labels_png'])
@pytest.mark.parametrize(
    ('size', 'message'),
    [((60000, 60000), 'is 60000x60000, not of the default size'), (SIZE, 'no image that')],
)
def test_a_self_check_picture_is_decoded_only_at_its_size(refuse, key, size, message):
    def change(fields):
        fields['self_check'][key] = png_that_announces(*size)

    assert message in refuse(change_metadata(change))


def test_a_default_size_of_over_64_megapixels_is_not_decoded(refuse, monkeypatch):
    def change(fields):
        fields['default_size'] = [16384, 16384]
        fields['self_check']['frame_png'] = png_that_announces(16384, 16384)

    proto = change_metadata(change)
    monkeypatch.setattr(cv2, 'imdecode', lambda *_: pytest.fail('decoded'))
    assert 'at most 64 megapixels' in refuse(proto)


@pytest.mark.parametrize(
    'text',
    [
        '[' * 100_000,
        '{"a":' * 100_000,
        '{"format_version": ' + '9' * 10_000 + '}',
        '[]',
        'null',
        '1',
        '"format_version"',
        '{}',
        '{"format_version": 1}',
        '{"format_version": 1, "labels": ' + '[' * 900 + ']' * 900 + '}',
    ],
    ids=lambda text: text[:20],
)
def test_json_of_any_shape_is_refused(refuse, text):
    assert 'has bad metadata' in refuse(change_metadata(text))


@pytest.mark.parametrize(
    'key', ['labels', 'architecture', 'resize', 'recipe', 'metrics', 'versions', 'self_check']
)
@pytest.mark.parametrize('value', [None, 1, 'text', [[]], {'a': 1e400}, [1] * 100_000])
def test_fields_of_another_type_are_refused(refuse, key, value):
    if key in ('architecture', 'recipe', 'metrics', 'versions') and isinstance(value, dict):
        pytest.skip('these may hold anything by name')
    assert 'has bad metadata' in refuse(
        change_metadata(lambda fields: fields.update({key: value}))
    )


@pytest.mark.parametrize('name', ['road\n', 'road\x1b]0;title\x07', 'a\u202eb'])
def test_names_that_would_move_the_cursor_are_refused(refuse, name):
    def change(fields):
        fields['labels']['classes'][0]['name'] = name

    assert 'characters that do not print' in refuse(change_metadata(change))


def test_what_is_no_file_is_refused_and_does_not_block(tmp_path):
    os.mkfifo(tmp_path / 'pipe.onnx')
    for path in (tmp_path / 'pipe.onnx', '/dev/zero'):
        with pytest.raises(ModelFileError, match=r'cannot read model file .*: it is no regular'):
            read_model_file(path)


@pytest.mark.parametrize(
    'text', [b'image', b'weight', b'Transpose', b'logits', b'tiny', b'test', b'stdc_seg', b'two']
)
def test_text_that_is_no_text_is_refused(tmp_path, text):
    """Found by fuzzing: protobuf gives bytes, which nobody expects."""
    data = tiny_model().SerializeToString()
    assert text in data
    path = tmp_path / 'bytes.onnx'
    path.write_bytes(data.replace(text, text[:-1] + b'\xff'))
    with pytest.raises(ModelFileError, match=r'bytes\.onnx (is|has)'):
        read_model_file(path)


@pytest.mark.parametrize('value', [None, 1, 'x', []])
def test_a_checksum_that_is_none_is_refused(refuse, value):
    """Found by fuzzing."""
    proto = change_metadata(lambda fields: fields.update(weights_sha256=value))
    assert 'is corrupt: its weights have SHA-256' in refuse(proto)


def test_a_key_twice_is_the_last_one_for_both_readers(refuse):
    """The metadata that is checked is the metadata that is used."""
    proto = tiny_model()
    proto.metadata_props.add(key=METADATA_KEY, value='{}')
    assert 'has bad metadata' in refuse(proto)
