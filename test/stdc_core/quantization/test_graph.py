"""Which layers become int8, how, and how one becomes float again."""

from collections import Counter
from dataclasses import replace

import numpy as np
import onnx
import onnx.numpy_helper
import onnxruntime as ort
import pytest

from stdc_core.quantization.graph import (
    convolutions,
    heads,
    in_float,
    in_float_again,
    pruned,
    quantize_graph,
)
from stdc_core.quantization.judge import LiteralNetwork

SIZE = (96, 160)


def makers(proto):
    return {output: node for node in proto.graph.node for output in node.output}


def constant(proto, name):
    (tensor,) = (tensor for tensor in proto.graph.initializer if tensor.name == name)
    return onnx.numpy_helper.to_array(tensor)


def convolution(proto, layer, original):
    (name,) = (node for node, known in convolutions(original).items() if known == layer)
    (node,) = (node for node in proto.graph.node if node.name == name)
    return node


def logits(model, proto, image):
    return LiteralNetwork(replace(model, proto=proto), SIZE).logits(image)


def rmse(first, second):
    return float(np.sqrt(np.mean(np.square(first - second))))


def test_layers_have_the_torch_networks_names(model, checkpoint):
    layers = convolutions(model.proto)
    assert len(layers) == 43
    assert set(layers.values()) <= {name.removesuffix('.weight') for name in checkpoint.state}
    assert {layers[name] for name in heads(model.proto)} == {
        'head.classify',
        'detail_head.classify',
    }


def test_the_last_convolutions_keep_float_weights(model, quantized):
    for layer in ('head.classify', 'detail_head.classify'):
        node = convolution(quantized, layer, model.proto)
        before = convolution(model.proto, layer, model.proto)
        np.testing.assert_array_equal(
            constant(quantized, node.input[1]), constant(model.proto, before.input[1])
        )
        assert makers(quantized)[node.input[0]].op_type == 'DequantizeLinear'


def test_all_others_have_symmetric_s8_weights_of_7_bits_per_channel(model, quantized):
    left = in_float(quantized)
    assert {convolutions(model.proto)[name] for name in left} == {
        'head.classify',
        'detail_head.classify',
        'ffm.gate.0',  # nncf takes it for squeeze and excitation, and leaves it
        'ffm.gate.2',
    }
    made_by = makers(quantized)
    for node in quantized.graph.node:
        if node.op_type == 'Conv' and node.name not in left:
            dequantize = made_by[node.input[1]]
            assert dequantize.op_type == 'DequantizeLinear'
            weights, scale, zero = (constant(quantized, name) for name in dequantize.input)
            assert weights.dtype == zero.dtype == np.int8
            assert scale.shape == (len(weights),)
            assert not zero.any()
            # No 16-bit sum overflows; nncf leaves depthwise layers, whose sums are short, 8 bits.
            largest = 127 if weights.shape[1] == 1 else 64
            assert largest // 2 < np.abs(weights.astype(int)).max() <= largest


def test_joined_activations_are_quantized_as_they_came(model, quantized):
    made_by = makers(quantized)
    joins = [
        node
        for node in quantized.graph.node
        if node.op_type == 'Concat'
        and any(made_by.get(name, node).op_type == 'DequantizeLinear' for name in node.input)
    ]
    assert len(joins) == 7  # six short-term dense concatenations and the feature fusion
    for join in joins:
        (behind,) = (node for node in quantized.graph.node if join.output[0] in node.input)
        assert behind.op_type == 'QuantizeLinear'
        for name in join.input:
            for ours, theirs in zip(behind.input[1:], made_by[name].input[1:], strict=True):
                assert constant(quantized, ours) == constant(quantized, theirs)


def test_onnxruntime_computes_int8_layers_in_int8(model, quantized, tmp_path):
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(tmp_path / 'optimized.onnx')
    ort.InferenceSession(quantized.SerializeToString(), options)
    kinds = Counter(node.op_type for node in onnx.load(tmp_path / 'optimized.onnx').graph.node)
    gates = 2  # of attention, of one pixel each: a sigmoid in float follows
    assert kinds['QLinearConv'] == 43 - len(in_float(quantized)) - gates


def test_activations_are_symmetric_and_u8_behind_a_relu(quantized):
    types = Counter()
    made_by = makers(quantized)
    for node in quantized.graph.node:
        if node.op_type == 'QuantizeLinear':
            zero = constant(quantized, node.input[2])
            assert not zero.any()
            types[made_by[node.input[0]].op_type, str(zero.dtype)] += 1
    assert types['Relu', 'uint8'] > 20
    assert types['Relu', 'int8'] == 0
    assert types['Conv', 'int8'] == 3  # down-sampled without a ReLU


def test_height_and_width_stay_dynamic_and_the_argument_as_it_is(model, quantized):
    dimensions = quantized.graph.input[0].type.tensor_type.shape.dim
    assert [d.dim_value for d in dimensions] == [1, 0, 0, 3]
    assert 'QuantizeLinear' not in {node.op_type for node in model.proto.graph.node}
    assert not quantized.metadata_props


def test_logits_stay_close(model, quantized, images):
    expected = logits(model, model.proto, images[5])
    found = logits(model, quantized, images[5])
    assert 0 < rmse(found, expected) < 0.1 * expected.std()


def test_calibrating_twice_gives_the_same_file_and_prints_nothing(model, quantized, images, capfd):
    taken = []
    again = quantize_graph(model.proto, images[:4], on_image=taken.append)
    assert again.SerializeToString() == quantized.SerializeToString()
    assert taken == [1, 2, 3, 4]
    assert capfd.readouterr() == ('', '')


@pytest.mark.parametrize(
    'layer',
    [
        pytest.param('backbone.stem.0.conv', marks=pytest.mark.slow),
        'backbone.stage3.1.blocks.0.conv',  # behind a concatenation
        pytest.param('context_path.conv16.conv', marks=pytest.mark.slow),  # behind an upsampling
        pytest.param('ffm.conv.conv', marks=pytest.mark.slow),
    ],
)
def test_a_layer_in_float_again_is_as_nncf_leaves_it(model, quantized, images, layer):
    """The reference calibrates anew with the layer left out."""
    name = convolution(model.proto, layer, model.proto).name
    ours = pruned(in_float_again(quantized, model.proto, name))
    onnx.checker.check_model(ours, full_check=True)
    node = convolution(ours, layer, model.proto)
    before = convolution(model.proto, layer, model.proto)
    for place in (1, 2):
        np.testing.assert_array_equal(
            constant(ours, node.input[place]), constant(model.proto, before.input[place])
        )
    theirs = quantize_graph(model.proto, images[:4], [name])
    image = images[5]
    apart = rmse(logits(model, ours, image), logits(model, theirs, image))
    assert apart < 0.5 * rmse(logits(model, quantized, image), logits(model, model.proto, image))


def test_several_layers_go_back_one_after_the_other(model, quantized, images):
    """Later layers first, and two that share a concatenation."""
    proto = quantized
    names = [
        name for name in reversed(convolutions(model.proto)) if name not in in_float(quantized)
    ]
    for name in names:
        proto = in_float_again(proto, model.proto, name)
    proto = pruned(proto)
    onnx.checker.check_model(proto, full_check=True)
    weights = [node.input[1] for node in proto.graph.node if node.op_type == 'Conv']
    assert all(constant(proto, name).dtype == np.float32 for name in weights)
    expected = logits(model, model.proto, images[5])
    left = rmse(logits(model, proto, images[5]), expected)
    assert left < 0.5 * rmse(logits(model, quantized, images[5]), expected)


def test_pruning_leaves_nothing_that_no_output_needs(model, quantized):
    name = convolution(model.proto, 'backbone.stem.1.conv', model.proto).name
    proto = in_float_again(quantized, model.proto, name)
    small = pruned(proto)
    assert len(small.graph.node) == len(proto.graph.node) - 3  # Q, DQ, and DQ of the weights
    used = {name for node in small.graph.node for name in node.input}
    assert {tensor.name for tensor in small.graph.initializer} <= used
    assert [o.name for o in small.graph.output] == [o.name for o in model.proto.graph.output]
