"""What the graph of a model file may hold: only what STDC-Seg needs, all of it in the file.

A runtime loads foreign code for operators of other domains, reads any file for weights that lie
outside, and runs a loop as long as the graph says.
"""

from collections.abc import Iterator, Sequence

import onnx
from google.protobuf.message import Message

from stdc_core.labels import LabelSet

DOMAINS = ('', 'ai.onnx')
OUTPUTS = (['logits'], ['logits', 'detail'])


def check_graph(proto: onnx.ModelProto, labels: LabelSet) -> None:
    """Refuse a graph that is none of a model file.

    :raises ValueError: it keeps data in other files, has functions, loops or branches, operators
        of other domains, other inputs or outputs, or not as many classes as labels.
    """
    for message in _messages(proto):
        if isinstance(message, onnx.TensorProto) and (
            message.external_data or message.data_location == onnx.TensorProto.EXTERNAL
        ):
            raise ValueError('it keeps its weights in other files, expected them inside')
        if isinstance(message, onnx.GraphProto) and message is not proto.graph:
            raise ValueError('it has a loop or a branch, which no model file has')
        if isinstance(message, onnx.FunctionProto | onnx.TrainingInfoProto):
            raise ValueError('it has functions of its own, which no model file has')
        if isinstance(message, onnx.NodeProto) and message.domain not in DOMAINS:
            raise ValueError(f"it has operator {message.op_type} of '{message.domain}'")
    _check_interface(proto.graph, labels)


def _check_interface(graph: onnx.GraphProto, labels: LabelSet) -> None:
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if [value.name for value in inputs] != ['image']:
        raise ValueError(f'its inputs are {_names(inputs)}, expected image')
    tensor = inputs[0].type.tensor_type
    if tensor.elem_type != onnx.TensorProto.UINT8 or len(tensor.shape.dim) != 4:
        raise ValueError('its image is no uint8 of shape (1, H, W, 3)')
    if [value.name for value in graph.output] not in OUTPUTS:
        raise ValueError(f'its outputs are {_names(graph.output)}, expected logits and detail')
    dimensions = graph.output[0].type.tensor_type.shape.dim
    if len(dimensions) == 4 and dimensions[1].dim_value not in (0, len(labels)):
        raise ValueError(
            f"its logits have {dimensions[1].dim_value} classes, label set '{labels.name}' has "
            f'{len(labels)}'
        )


def _messages(message: Message) -> Iterator[Message]:
    """Go through a message and all in it; the parser has limited how deep that is.

    :raises ValueError: text is no UTF-8; protobuf gives bytes then.
    """
    yield message
    for field, value in message.ListFields():
        single = isinstance(value, str | bytes) or not isinstance(value, Sequence)
        values = (value,) if single else value
        if field.type == field.TYPE_STRING and any(isinstance(text, bytes) for text in values):
            raise ValueError(f'{field.full_name} is no text')
        if field.message_type is not None:
            for inner in values:
                yield from _messages(inner)


def _names(values: Sequence[onnx.ValueInfoProto]) -> str:
    return ', '.join(value.name for value in values) or 'none'
