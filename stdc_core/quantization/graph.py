"""Q/DQ nodes in the graph of a model file: which layers there are, adding and removing nodes."""

import itertools
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import onnx.utils
from numpy.typing import NDArray

from stdc_core.errors import UserError

try:
    import nncf
except ImportError as error:
    raise UserError(
        f"quantizing needs {error.name}: pip install 'stdc_seg_ros[quantize]'"
    ) from error

NNCF_VERSION: str = nncf.__version__
# What hands values on without arithmetic that quantization would touch: Q/DQ nodes lie before it.
PASSED_THROUGH = ('Concat', 'AveragePool', 'Resize')


def convolutions(proto: onnx.ModelProto) -> dict[str, str]:
    """Layers by the names of their nodes, which quantizing keeps.

    :param proto: a float graph.
    :return: node name -> the torch network's name, e.g. ``backbone.stem.0.conv``.
    """
    return {
        node.name: node.input[1].removeprefix('network.').removesuffix('.weight')
        for node in proto.graph.node
        if node.op_type == 'Conv'
    }


def heads(proto: onnx.ModelProto) -> tuple[str, ...]:
    """Names of the nodes that compute an output: the last 1x1 convolution of each head."""
    outputs = {output.name for output in proto.graph.output}
    return tuple(node.name for node in proto.graph.node if outputs & set(node.output))


def in_float(proto: onnx.ModelProto) -> tuple[str, ...]:
    """Names of the convolutions of a graph whose weights are in float, in the graph's order."""
    stored = {tensor.name for tensor in proto.graph.initializer}
    return tuple(
        node.name
        for node in proto.graph.node
        if node.op_type == 'Conv' and node.input[1] in stored
    )


def quantize_graph(
    proto: onnx.ModelProto,
    images: Sequence[NDArray[np.uint8]],
    float_nodes: Collection[str] = (),
    on_image: Callable[[int], None] = lambda number: None,
) -> onnx.ModelProto:
    """Quantize the convolutions but some: weights to s8, activations to u8 (s8 where negative).

    The heads keep float weights: what comes in is quantized, the logits are not. nncf leaves some
    layers in float of its own accord, the gate of the feature fusion for one: :func:`in_float`
    names all.

    :param proto: the float graph, left as it is.
    :param images: to calibrate on: uint8, RGB, (H, W, 3), all of the network's input size.
    :param float_nodes: names of the convolutions that stay in float besides.
    :param on_image: called as each image is taken, with how many were.
    :return: a graph with height and width as dynamic as before, and without metadata.
    """
    taken = itertools.count(1)

    def feed(image: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
        on_image(next(taken))
        return {'image': image[None]}

    source = onnx.ModelProto()
    source.CopyFrom(proto)
    with _quiet_nncf():
        quantized = nncf.quantize(
            source,
            nncf.Dataset(images, feed),
            preset=nncf.QuantizationPreset.PERFORMANCE,  # symmetric, activations too
            subset_size=len(images),
            ignored_scope=nncf.IgnoredScope(names=sorted(float_nodes)),
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                # Weights of 7 bits: two products of 8 bits overflow the 16-bit sums of processors
                # without VNNI, and the file would compute something else there.
                overflow_fix=nncf.OverflowFix.ENABLE,
            ),
        )
    del quantized.metadata_props[:]
    for name in heads(proto):
        _float_weights(quantized, proto, name)
    _quantize_concatenations(quantized)
    return pruned(quantized)


def in_float_again(
    quantized: onnx.ModelProto, original: onnx.ModelProto, name: str
) -> onnx.ModelProto:
    """Copy a quantized graph with one convolution as it was before.

    Scales and bias corrections come from the float network, each layer's from its own, so the
    other layers need no new calibration. What is needed no more stays until :func:`pruned`.

    :param original: the float graph that was quantized.
    :param name: of the convolution's node.
    """
    proto = onnx.ModelProto()
    proto.CopyFrom(quantized)
    tensors = _FloatTensors(proto)
    node = _float_weights(proto, original, name)
    node.input[0] = tensors.before_quantization(node.input[0])
    return proto


def _float_weights(proto: onnx.ModelProto, original: onnx.ModelProto, name: str) -> onnx.NodeProto:
    """Give a convolution the weights and the bias that it had; its node."""
    node = next(node for node in proto.graph.node if node.name == name)
    was = next(node for node in original.graph.node if node.name == name)
    weights = {tensor.name: tensor for tensor in original.graph.initializer}
    for place, weight in enumerate(was.input[1:], start=1):
        tensor = proto.graph.initializer.add()
        tensor.CopyFrom(weights[weight])
        tensor.name = node.input[place] = f'{name}.float.{place}'
    return node


def _quantize_concatenations(proto: onnx.ModelProto) -> None:
    """Quantize what is joined of tensors of one scale, by that scale: it stays as it is.

    Without it ONNX Runtime joins in float, and computes the convolution behind it in float, too.
    """
    makers = {output: node for node in proto.graph.node for output in node.output}
    values = {
        tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in proto.graph.initializer
    }
    nodes: list[onnx.NodeProto] = []
    for node in proto.graph.node:
        nodes.append(node)
        makers_in = [makers[name] for name in node.input if name in makers]
        if node.op_type != 'Concat' or {m.op_type for m in makers_in} != {'DequantizeLinear'}:
            continue
        scale, zero_point = makers_in[0].input[1:]
        ranges = {(float(values[m.input[1]]), str(values[m.input[2]].dtype)) for m in makers_in}
        if len(ranges) > 1:
            continue
        joined = node.output[0]
        node.output[0] = f'{joined}.in_float'
        for kind, source, target in (
            ('QuantizeLinear', node.output[0], f'{joined}.quantized'),
            ('DequantizeLinear', f'{joined}.quantized', joined),
        ):
            nodes.append(
                onnx.helper.make_node(
                    kind, [source, scale, zero_point], [target], name=f'{node.name}.{kind}'
                )
            )
        makers[joined] = nodes[-1]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)


class _FloatTensors:
    """Finds what a tensor of a Q/DQ graph was before it was quantized."""

    def __init__(self, proto: onnx.ModelProto) -> None:
        self._nodes = proto.graph.node
        self._makers = {output: node for node in self._nodes for output in node.output}

    def before_quantization(self, tensor: str) -> str:
        """Name of the tensor; a node that only hands on quantized ones is added a second time."""
        maker = self._makers.get(tensor)
        if maker is None:
            return tensor
        if maker.op_type == 'DequantizeLinear':
            return self.before_quantization(self._makers[maker.input[0]].input[0])
        if maker.op_type not in PASSED_THROUGH:
            return tensor
        inputs = [self.before_quantization(part) for part in maker.input]
        if inputs == list(maker.input):
            return tensor
        name = f'{tensor}.float'
        if name not in self._makers:
            copy = onnx.NodeProto()
            copy.CopyFrom(maker)
            copy.name, copy.output[0] = f'{maker.name}.float', name
            copy.input[:] = inputs
            place = next(i for i, node in enumerate(self._nodes) if node.name == maker.name)
            self._nodes.insert(place, copy)
            self._makers[name] = self._nodes[place]
        return name


def pruned(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Copy a graph without the nodes and weights that no output needs."""
    outputs = [output.name for output in proto.graph.output]
    return onnx.utils.Extractor(proto).extract_model(['image'], outputs)


@contextmanager
def _quiet_nncf() -> Iterator[None]:
    """Hide nncf's remarks and bars: the caller shows how far it is."""
    logger = logging.getLogger('nncf')
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with redirect_stdout(StringIO()):
            yield
    finally:
        logger.setLevel(level)
