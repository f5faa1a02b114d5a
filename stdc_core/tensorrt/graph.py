"""The graph that TensorRT gets: static, strongly typed, its precision baked in."""

from __future__ import annotations

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import onnx.utils
from onnx.reference import ReferenceEvaluator

from stdc_core.geometry import Size
from stdc_core.model_file import ModelFile, logit_grid
from stdc_core.quantization.signed import signed_activations
from stdc_core.tensorrt.half import in_half
from stdc_core.tensorrt.precision import PlanPrecision


def network_graph(
    model: ModelFile, *, size: Size, detail: bool, precision: PlanPrecision, batch: int = 1
) -> onnx.ModelProto:
    """Make the graph of a plan: uint8 image in, float32 logits out at every precision.

    :param size: of the network's input.
    :param detail: keep the detail logits.
    :param precision: of the arithmetic; in an int8 file that of the layers left in float.
    :param batch: images at a time.
    :raises InvalidArgumentError: the size is out of range or there is no detail head.
    :raises EngineError: a weight is too large for fp16.
    """
    proto = onnx.load_model_from_string(model.static_graph(size, detail=detail))
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = batch
    _fix_sizes(proto, (batch, *size, 3))
    if model.metadata.int8:
        _leave_image_whole(proto)
        proto = signed_activations(proto)
    if precision == 'fp16':
        proto = in_half(proto)
    for output in proto.graph.output:
        channels = len(model.metadata.labels) if output.name == 'logits' else 1
        shape = (batch, channels, *logit_grid(size))
        output.CopyFrom(
            onnx.helper.make_tensor_value_info(output.name, onnx.TensorProto.FLOAT, shape)
        )
    outputs = [output.name for output in proto.graph.output]
    return onnx.utils.Extractor(proto).extract_model(['image'], outputs)


def _fix_sizes(proto: onnx.ModelProto, shape: tuple[int, ...]) -> None:
    """Compute the sizes of what is upsampled, which the graph computes of the image's shape."""
    image = np.zeros(shape, np.uint8)
    for node in proto.graph.node:
        if node.op_type != 'Resize':
            continue
        info = onnx.helper.make_tensor_value_info(node.input[3], onnx.TensorProto.INT64, None)
        proto.graph.value_info.append(info)  # the extractor asks for it
        computed = onnx.utils.Extractor(proto).extract_model(['image'], [node.input[3]])
        (result,) = ReferenceEvaluator(computed).run(None, {'image': image})
        sizes = np.array(result)
        sizes[0] = shape[0]  # exported as 1
        name = f'{node.output[0]}.sizes'
        proto.graph.initializer.append(onnx.numpy_helper.from_array(sizes, name))
        node.input[3] = name


def _leave_image_whole(proto: onnx.ModelProto) -> None:
    """Take out the Q/DQ pair between the image and its normalisation.

    In u8 it changes next to nothing. In s8 it would cost the image its lowest bit, and the first
    convolution's own pair, behind the normalisation, is all that int8 needs.
    """
    users = {name: node for node in proto.graph.node for name in node.input}
    image = next(node for node in proto.graph.node if node.op_type == 'Cast').output[0]
    quantize = users[image]
    if quantize.op_type != 'QuantizeLinear':
        return
    dequantized = users[quantize.output[0]].output[0]
    for node in proto.graph.node:
        for place, name in enumerate(node.input):
            if name == dequantized:
                node.input[place] = image
