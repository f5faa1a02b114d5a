"""A graph computed literally by torch, node by node, types checked as TensorRT checks them.

The oracle of graphs in half: torch rounds every result to half, where ONNX Runtime computes half
in float on a CPU and would hide what is wrong.
"""

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import torch
from torch.nn import functional

TYPES = {1: torch.float32, 10: torch.float16}


def run_strongly_typed(proto: onnx.ModelProto, image: np.ndarray) -> dict[str, np.ndarray]:
    """Compute the outputs of one image (N, H, W, 3), by name."""
    values = {
        tensor.name: torch.from_numpy(onnx.numpy_helper.to_array(tensor).copy())
        for tensor in proto.graph.initializer
    }
    values['image'] = torch.from_numpy(image)
    with torch.inference_mode():
        for node in proto.graph.node:
            inputs = [values[name] if name else None for name in node.input]
            if node.op_type not in ('Cast', 'DequantizeLinear'):
                types = {x.dtype for x in inputs if x is not None and x.is_floating_point()}
                assert len(types) == 1, f'{node.op_type} {node.name} mixes {types}'
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            (values[node.output[0]],) = [OPERATIONS[node.op_type](inputs, attributes)]
        return {
            output.name: values[output.name].contiguous().numpy() for output in proto.graph.output
        }


def convolution(inputs, attributes):
    x, weight, bias = (*inputs, None)[:3]
    pads = attributes.get('pads', (0, 0, 0, 0))
    assert pads[:2] == pads[2:]
    assert set(attributes.get('dilations', (1,))) == {1}
    return functional.conv2d(
        x,
        weight,
        bias,
        tuple(attributes['strides']),
        tuple(pads[:2]),
        groups=attributes.get('group', 1),
    )


def average_pool(inputs, attributes):
    assert attributes['count_include_pad'] == 1
    return functional.avg_pool2d(
        inputs[0],
        tuple(attributes['kernel_shape']),
        tuple(attributes['strides']),
        tuple(attributes['pads'][:2]),
    )


def resize(inputs, attributes):
    assert attributes['mode'] == b'nearest'
    assert attributes['nearest_mode'] == b'floor'
    assert attributes['coordinate_transformation_mode'] == b'asymmetric'
    sizes = inputs[3].tolist()
    assert sizes[:2] == list(inputs[0].shape[:2])
    return functional.interpolate(inputs[0], size=sizes[2:], mode='nearest')


def along(scale, x, axis):
    """Scales of the channels, in the shape of the tensor that has them."""
    return (
        scale
        if scale.ndim == 0
        else scale.reshape([-1 if i == axis else 1 for i in range(x.ndim)])
    )


def quantize(inputs, attributes):
    x, scale, zero_point = inputs
    limits = torch.iinfo(zero_point.dtype)
    steps = torch.round(x.float() / along(scale, x, attributes.get('axis', 1)).float())
    return torch.clamp(steps, limits.min, limits.max).to(zero_point.dtype)


def dequantize(inputs, attributes):
    x, scale, _ = inputs
    return x.to(scale.dtype) * along(scale, x, attributes.get('axis', 1))


OPERATIONS = {
    'Cast': lambda inputs, attributes: inputs[0].to(TYPES[attributes['to']]),
    'Transpose': lambda inputs, attributes: inputs[0].permute(attributes['perm']),
    'Sub': lambda inputs, attributes: inputs[0] - inputs[1],
    'Mul': lambda inputs, attributes: inputs[0] * inputs[1],
    'Add': lambda inputs, attributes: inputs[0] + inputs[1],
    'Relu': lambda inputs, attributes: functional.relu(inputs[0]),
    'Sigmoid': lambda inputs, attributes: torch.sigmoid(inputs[0]),
    'Concat': lambda inputs, attributes: torch.cat(inputs, attributes['axis']),
    'ReduceMean': lambda inputs, attributes: inputs[0].mean(inputs[1].tolist(), keepdim=True),
    'Conv': convolution,
    'AveragePool': average_pool,
    'Resize': resize,
    'QuantizeLinear': quantize,
    'DequantizeLinear': dequantize,
}
