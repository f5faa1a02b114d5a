"""A graph's arithmetic from float32 to float16, in the graph itself.

TensorRT 11 chooses no precision of its own, and 10 does so only in networks that are not strongly
typed: what is to run in half has to be half in the ONNX.
"""

from __future__ import annotations

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
from numpy.typing import NDArray

from stdc_core.engines.base import EngineError

FLOAT, HALF = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16
NUMPY = {FLOAT: np.float32, HALF: np.float16}
OPSET = 19  # the first whose Q/DQ nodes have scales in half
# A mean over the whole picture: its sum may not fit into half, whatever the kernel sums in.
IN_FLOAT = ('ReduceMean',)


def in_half(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Copy a graph with its arithmetic in half.

    Float stay the normalisation of the image, before the first convolution; means over the whole
    picture; and the last convolution of each head, so that its logits are float, too.

    :param proto: from uint8 ``image`` to float32 outputs, with or without Q/DQ nodes.
    :raises EngineError: a weight is too large for half.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    _Conversion(copy).run()
    copy.graph.ClearField('value_info')
    for opset in copy.opset_import:
        if opset.domain == '':
            opset.version = max(opset.version, OPSET)
    return copy


class _Conversion:
    """One pass over the nodes, in their order; adds conversions where types meet."""

    def __init__(self, proto: onnx.ModelProto) -> None:
        self._graph = proto.graph
        self._constants = {
            tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in proto.graph.initializer
        }
        self._outputs = {output.name for output in proto.graph.output}
        self._types: dict[str, int] = {}  # of computed tensors, where they are float or half
        self._before: set[str] = {'image'}  # what no convolution has seen
        self._made_of: dict[str, onnx.NodeProto] = {}
        self._nodes: list[onnx.NodeProto] = []

    def run(self) -> None:
        for node in list(self._graph.node):
            node_type = self._type_of(node)
            for place, name in enumerate(node.input):
                node.input[place] = self._converted(name, node_type)
            self._add(node, node_type)
        del self._graph.node[:]
        self._graph.node.extend(self._nodes)

    def _type_of(self, node: onnx.NodeProto) -> int:
        if node.op_type != 'Conv' and node.input[0] in self._before:
            self._before.update(node.output)
            return FLOAT
        if node.op_type == 'QuantizeLinear':
            return self._types[node.input[0]]
        if node.op_type in IN_FLOAT or self._outputs & set(node.output):
            return FLOAT
        return HALF

    def _add(self, node: onnx.NodeProto, node_type: int) -> None:
        self._nodes.append(node)
        for name in node.output:
            self._made_of[name] = node
            if node.op_type != 'QuantizeLinear':
                self._types[name] = node_type

    def _converted(self, name: str, wanted: int) -> str:
        """Name of the tensor in the wanted type, made where there is none yet."""
        array = self._constants.get(name)
        if array is not None:
            return self._constant(name, array, wanted)
        if self._types.get(name, wanted) == wanted:
            return name
        target = f'{name}.{"half" if wanted == HALF else "float"}'
        if target in self._types:
            return target
        maker = self._made_of[name]
        if maker.op_type == 'DequantizeLinear':  # a cast between it and its user would end int8
            quantized, scale, zero_point = maker.input
            inputs = [quantized, self._converted(scale.removesuffix('.half'), wanted), zero_point]
            node = onnx.helper.make_node('DequantizeLinear', inputs, [target], name=target)
            node.attribute.extend(maker.attribute)
        else:
            node = onnx.helper.make_node('Cast', [name], [target], name=target, to=wanted)
        self._add(node, wanted)
        return target

    def _constant(self, name: str, array: NDArray[np.generic], wanted: int) -> str:
        if array.dtype != np.float32 or wanted == FLOAT:
            return name
        target = f'{name}.half'
        if target not in self._constants:
            with np.errstate(over='ignore'):
                half = array.astype(np.float16)
            if not np.isfinite(half).all():
                raise EngineError(
                    f'{name} has values up to {np.abs(array).max():.3g}, beyond the 65504 of '
                    'fp16: use fp32'
                )
            self._constants[target] = half
            self._graph.initializer.append(onnx.numpy_helper.from_array(half, target))
        return target
