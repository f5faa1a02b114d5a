"""A small model file: one convolution, made without torch."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from stdc_core.geometry import Size
from stdc_core.labels import LabelSet
from stdc_core.model_file import ModelMetadata, add_metadata
from stdc_core.self_check import SelfCheck

SIZE = Size(64, 72)
LABELS = LabelSet('two', ('road', 'rest'), ((128, 64, 128), (0, 0, 0)))


def tiny_proto(classes: int | str = 2) -> onnx.ModelProto:
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(2, 3, 8, 8)).astype(np.float32)
    nodes = [
        helper.make_node('Cast', ['image'], ['float'], to=TensorProto.FLOAT),
        helper.make_node('Transpose', ['float'], ['planes'], perm=[0, 3, 1, 2]),
        helper.make_node('Conv', ['planes', 'weight'], ['logits'], strides=[8, 8]),
    ]
    image = helper.make_tensor_value_info('image', TensorProto.UINT8, [1, 'height', 'width', 3])
    logits = helper.make_tensor_value_info('logits', TensorProto.FLOAT, [1, classes, 'h', 'w'])
    weights = [numpy_helper.from_array(weight, 'weight')]
    graph = helper.make_graph(nodes, 'tiny', [image], [logits], weights)
    return helper.make_model(
        graph, ir_version=10, opset_imports=[helper.make_opsetid('', 18)], producer_name='test'
    )


def tiny_metadata() -> ModelMetadata:
    frame = np.random.default_rng(1).integers(0, 256, (*SIZE, 3), np.uint8)
    check = SelfCheck(frame, np.zeros(SIZE, np.uint8))
    return ModelMetadata(LABELS, {'variant': 'none'}, SIZE, 'stretch', True, check)


def tiny_model() -> onnx.ModelProto:
    proto = tiny_proto()
    add_metadata(proto, tiny_metadata())
    return proto
