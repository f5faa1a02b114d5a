"""Weights in half precision in the file, float32 in memory: half the bytes, the same network.

In the file each weight is a float16 initializer and a ``Cast`` to float32, which any runtime
folds when it loads the file. :func:`restore_float` does so for this package, whose parts look for
the weights of a convolution right at its node.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

SUFFIX = '.half'


def store_half(proto: onnx.ModelProto) -> None:
    """Replace the weights and biases of all convolutions by halves and their casts, in place."""
    graph = proto.graph
    used = {name for node in graph.node if node.op_type == 'Conv' for name in node.input[1:]}
    casts = []
    for tensor in graph.initializer:
        if tensor.name in used and tensor.data_type == onnx.TensorProto.FLOAT:
            name = tensor.name
            halves = numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(halves, name + SUFFIX))
            cast = onnx.helper.make_node(
                'Cast', [tensor.name], [name], name=f'{name}.cast', to=onnx.TensorProto.FLOAT
            )
            casts.append(cast)
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def restore_float(proto: onnx.ModelProto) -> None:
    """Replace what :func:`store_half` made by float32 initializers, in place."""
    graph = proto.graph
    halves = {
        tensor.name.removesuffix(SUFFIX): tensor
        for tensor in graph.initializer
        if tensor.name.endswith(SUFFIX) and tensor.data_type == onnx.TensorProto.FLOAT16
    }
    kept = []
    for node in graph.node:
        name = node.output[0] if node.op_type == 'Cast' else ''
        if name in halves and node.input[0] == name + SUFFIX:
            values = numpy_helper.to_array(halves[name]).astype(np.float32)
            halves[name].CopyFrom(numpy_helper.from_array(values, name))
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)
