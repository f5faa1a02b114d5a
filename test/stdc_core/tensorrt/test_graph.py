"""The graph that TensorRT gets, against ONNX Runtime, torch in half, and its own types."""

from collections import Counter
from dataclasses import replace

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import onnxruntime as ort
import pytest
import torch
from strongly_typed import run_strongly_typed

from stdc_core.engines import EngineError
from stdc_core.errors import InvalidArgumentError
from stdc_core.geometry import Size
from stdc_core.model_file import logit_grid
from stdc_core.networks.model_graph import ModelGraph
from stdc_core.networks.stdc_seg import fold_for_inference
from stdc_core.quantization.judge import LiteralNetwork
from stdc_core.tensorrt.graph import network_graph

SIZE, ODD = Size(96, 160), Size(97, 203)
FLOAT, HALF = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16


def noise(size, batch=1):
    shape = (batch, *size, 3)
    return np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)


def run(graph, image):
    """By ONNX Runtime, nothing fused."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    content = graph.SerializeToString()
    session = ort.InferenceSession(content, options, providers=['CPUExecutionProvider'])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {'image': image}), strict=True))


def rms(difference):
    return float(np.sqrt(np.mean(np.square(difference, dtype=np.float64))))


def tensor_types(graph):
    """Type of every tensor, by strict inference, and of the weights."""
    inferred = onnx.shape_inference.infer_shapes(graph, strict_mode=True).graph
    infos = [*inferred.value_info, *inferred.output, *inferred.input]
    types = {info.name: info.type.tensor_type.elem_type for info in infos}
    return types | {tensor.name: tensor.data_type for tensor in graph.graph.initializer}


@pytest.mark.parametrize('size', [SIZE, ODD], ids=str)
@pytest.mark.parametrize('detail', [False, True])
def test_float_graph_is_the_model_files_own(model, size, detail):
    graph = network_graph(model, size=size, detail=detail, precision='fp32')
    onnx.checker.check_model(graph, full_check=True)
    found = run(graph, noise(size))
    expected = run(onnx.load_from_string(model.static_graph(size, detail=detail)), noise(size))
    assert found.keys() == expected.keys() == ({'logits', 'detail'} if detail else {'logits'})
    for name, array in found.items():
        np.testing.assert_array_equal(array, expected[name])


def test_nothing_is_computed_of_the_shape(model):
    """TensorRT gets constants; a batch could not be computed otherwise."""
    graph = network_graph(model, size=SIZE, detail=True, precision='fp32')
    kinds = {node.op_type for node in graph.graph.node}
    assert not kinds & {'Shape', 'Squeeze', 'Reshape', 'Div'}


def test_a_batch_is_its_images(model):
    graph = network_graph(model, size=ODD, detail=True, precision='fp32', batch=2)
    alone = network_graph(model, size=ODD, detail=True, precision='fp32')
    images = noise(ODD, batch=2)
    together = run(graph, images)
    for number in range(2):
        for name, expected in run(alone, images[number : number + 1]).items():
            np.testing.assert_allclose(together[name][number], expected[0], atol=1e-5)


@pytest.mark.parametrize('precision', ['fp32', 'fp16'])
def test_input_and_outputs_are_the_same_at_every_precision(model, quantized_model, precision):
    for file in (model, quantized_model):
        graph = network_graph(file, size=ODD, detail=True, precision=precision, batch=3).graph
        (image,) = graph.input
        assert image.type.tensor_type.elem_type == onnx.TensorProto.UINT8
        shapes = {
            info.name: [dimension.dim_value for dimension in info.type.tensor_type.shape.dim]
            for info in [image, *graph.output]
        }
        grid = logit_grid(ODD)
        assert shapes == {
            'image': [3, *ODD, 3],
            'logits': [3, 11, *grid],
            'detail': [3, 1, *grid],
        }
        assert all(info.type.tensor_type.elem_type == FLOAT for info in graph.output)


def test_half_graph_computes_what_torch_does_in_half(checkpoint, model):
    graph = network_graph(model, size=ODD, detail=True, precision='fp16')
    image = noise(ODD)
    found = run_strongly_typed(graph, image)
    network = ModelGraph(fold_for_inference(checkpoint.build(), detail=True)).eval()
    outputs = {}
    for dtype in (torch.float32, torch.float16):
        network.dtype = dtype
        network.network.to(dtype)
        with torch.inference_mode():
            outputs[dtype] = [part.float().numpy() for part in network(torch.from_numpy(image))]
    for name, half, exact in zip(
        ('logits', 'detail'), outputs[torch.float16], outputs[torch.float32], strict=True
    ):
        in_torch = rms(half - exact)
        assert in_torch > 1e-5, 'torch did not compute in half'
        assert 0.3 * in_torch < rms(found[name] - exact) < 1.5 * in_torch


def test_half_graph_is_strongly_typed_and_in_half(model):
    graph = network_graph(model, size=SIZE, detail=True, precision='fp16')
    onnx.checker.check_model(graph, full_check=True)
    types = tensor_types(graph)
    in_float = []
    for node in graph.graph.node:
        used = {types[name] for name in node.input if name} & {FLOAT, HALF}
        if node.op_type != 'Cast':
            assert len(used) == 1, node
        if used == {FLOAT}:
            in_float.append(node.op_type)
    assert Counter(in_float) == {
        'Transpose': 1,  # the image's normalisation
        'Sub': 1,
        'Mul': 1,
        'ReduceMean': 4,
        'Conv': 2,  # the heads
        'Cast': 5,  # of the image and the means, to half
    }


def test_weights_are_kept_once(model):
    """Half the bytes: no float copy stays behind."""
    float_graph = network_graph(model, size=SIZE, detail=True, precision='fp32')
    half_graph = network_graph(model, size=SIZE, detail=True, precision='fp16')
    assert half_graph.ByteSize() < 0.6 * float_graph.ByteSize()


@pytest.mark.parametrize('size', [SIZE, ODD], ids=str)
def test_int8_graph_stays_close_to_the_int8_file(model, quantized_model, size):
    image = noise(size)
    exact = LiteralNetwork(model, size).logits(image[0])
    in_file = rms(LiteralNetwork(quantized_model, size).logits(image[0]) - exact)
    graph = network_graph(quantized_model, size=size, detail=False, precision='fp32')
    onnx.checker.check_model(graph, full_check=True)
    for compute in (run, run_strongly_typed):
        error = rms(compute(graph, image)['logits'][0] - exact)
        assert error < 2.5 * in_file  # s8 is one bit coarser than u8


def test_int8_graph_with_the_rest_in_half(quantized_model):
    image = noise(ODD)
    arguments = {'size': ODD, 'detail': True}
    graph = network_graph(quantized_model, precision='fp16', **arguments)
    onnx.checker.check_model(graph, full_check=True)
    rest_in_float = network_graph(quantized_model, precision='fp32', **arguments)
    found, expected = (run_strongly_typed(part, image) for part in (graph, rest_in_float))
    for name, array in found.items():
        assert rms(array - expected[name]) < 0.25 * rms(expected[name])

    types = tensor_types(graph)
    made_of = {output: node for node in graph.graph.node for output in node.output}
    weights_in_int8 = 0
    for node in graph.graph.node:
        if node.op_type != 'Conv':
            continue
        if node.input[1] in made_of:
            weights_in_int8 += 1
            for name in node.input[:2]:  # a cast in between would end int8
                assert made_of[name].op_type == 'DequantizeLinear'
                assert types[name] == HALF
    assert weights_in_int8 == 39


@pytest.mark.parametrize('precision', ['fp32', 'fp16'])
def test_int8_graph_keeps_every_bit_of_the_image(quantized_model, precision):
    graph = network_graph(quantized_model, size=SIZE, detail=False, precision=precision).graph
    kinds = [node.op_type for node in graph.node if node.op_type != 'DequantizeLinear']
    assert kinds[:5] == ['Cast', 'Transpose', 'Sub', 'Mul', 'QuantizeLinear']


def test_weights_beyond_half_are_refused(model):
    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    weight = next(t for t in proto.graph.initializer if t.name.endswith('stem.1.conv.weight'))
    array = onnx.numpy_helper.to_array(weight).copy()
    array[0, 0, 0, 0] = 7e4
    weight.CopyFrom(onnx.numpy_helper.from_array(array, weight.name))
    with pytest.raises(EngineError, match=r'stem.1.conv.weight has values up to 7e\+04'):
        network_graph(replace(model, proto=proto), size=SIZE, detail=False, precision='fp16')


def test_the_argument_stays_as_it_is(model, quantized_model):
    for file in (model, quantized_model):
        before = file.proto.SerializeToString(deterministic=True)
        network_graph(file, size=SIZE, detail=True, precision='fp16')
        assert file.proto.SerializeToString(deterministic=True) == before


def test_a_size_out_of_range_is_refused(model):
    with pytest.raises(InvalidArgumentError, match='32x160'):
        network_graph(model, size=Size(32, 160), detail=False, precision='fp16')
