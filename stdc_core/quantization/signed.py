"""What TensorRT needs of an int8 graph: no u8 activations."""

import numpy as np
import onnx
import onnx.numpy_helper

U8_MAX, S8_MAX = 255, 127


def signed_activations(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Copy an int8 graph with s8 activations of the same range, one bit coarser.

    TensorRT's parser takes a zero point of u8 for one of s8 and keeps the scale, with no more than
    a warning (seen in TensorRT-RTX 1.7.1): everything above half the range is then clipped.

    :param proto: a graph whose activations are u8 with a zero point of 0, or s8.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    tensors = {tensor.name: tensor for tensor in copy.graph.initializer}
    added: dict[str, onnx.TensorProto] = {}
    for node in copy.graph.node:
        if node.op_type not in ('QuantizeLinear', 'DequantizeLinear'):
            continue
        zero_point = onnx.numpy_helper.to_array(tensors[node.input[2]])
        if zero_point.dtype != np.uint8:
            continue
        assert not zero_point.any()
        scale = onnx.numpy_helper.to_array(tensors[node.input[1]])
        for place, array in (
            (1, scale * np.float32(U8_MAX / S8_MAX)),
            (2, zero_point.astype(np.int8)),
        ):
            name = f'{node.input[place]}.signed'
            added[name] = onnx.numpy_helper.from_array(array, name)
            node.input[place] = name
    copy.graph.initializer.extend(added.values())
    copy.graph.ClearField('value_info')  # it says u8
    return copy
