"""The int8 graph as TensorRT has to get it."""

from dataclasses import replace

import numpy as np
import onnx
import onnx.numpy_helper

from stdc_core.quantization.judge import LiteralNetwork
from stdc_core.quantization.signed import signed_activations

SIZE = (96, 160)


def zero_points(proto):
    tensors = {tensor.name: tensor for tensor in proto.graph.initializer}
    return [
        onnx.numpy_helper.to_array(tensors[node.input[2]])
        for node in proto.graph.node
        if node.op_type in ('QuantizeLinear', 'DequantizeLinear')
    ]


def as_tensorrt_reads_it(proto):
    """Zero points of u8 taken for s8, scales as they are: what its parser does."""
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    for tensor in copy.graph.initializer:
        array = onnx.numpy_helper.to_array(tensor)
        if array.dtype == np.uint8:
            tensor.CopyFrom(onnx.numpy_helper.from_array(array.astype(np.int8), tensor.name))
    copy.graph.ClearField('value_info')
    return copy


def test_no_u8_is_left_and_the_graph_is_whole(quantized):
    assert any(zero.dtype == np.uint8 for zero in zero_points(quantized))
    signed = signed_activations(quantized)
    onnx.checker.check_model(signed, full_check=True)
    assert all(zero.dtype == np.int8 and not zero.any() for zero in zero_points(signed))


def test_it_computes_nearly_the_same_and_without_it_tensorrt_does_not(model, quantized, images):
    def error(proto):
        found = LiteralNetwork(replace(model, proto=proto), SIZE).logits(images[5])
        return np.sqrt(np.mean(np.square(found - expected)))

    expected = LiteralNetwork(model, SIZE).logits(images[5])
    assert error(signed_activations(quantized)) < 2.5 * error(quantized)
    assert error(as_tensorrt_reads_it(quantized)) > 5 * error(quantized)


def test_the_argument_stays_as_it_is(quantized):
    before = quantized.SerializeToString(deterministic=True)
    signed_activations(quantized)
    assert quantized.SerializeToString(deterministic=True) == before
