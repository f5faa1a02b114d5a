"""Layers go back to float, the worst first, until the budget holds; or there is an error."""

from dataclasses import replace

import numpy as np
import onnx
import onnx.numpy_helper
import pytest

import stdc_core.quantization.budget
from stdc_core.errors import InvalidArgumentError
from stdc_core.metrics import SegmentationScores
from stdc_core.quantization.budget import Budget, QuantizationError, keep_budget
from stdc_core.quantization.graph import convolutions
from stdc_core.quantization.judge import HeldOutFrame, Judge, Judgement

SIZE = (96, 160)
SPOILT = 'backbone.stage4.0.blocks.0.conv'


def scores(miou):
    return SegmentationScores((miou,), miou, (), miou, miou, 1)


@pytest.mark.parametrize(
    ('judgement', 'holds'),
    [
        (Judgement(0.985), True),
        (Judgement(0.984), False),
        (Judgement(0.999, scores(0.600), scores(0.596)), True),
        (Judgement(0.999, scores(0.600), scores(0.594)), False),
        (Judgement(0.984, scores(0.600), scores(0.700)), False),
        (Judgement(0.999, scores(0.600), scores(float('nan'))), False),
    ],
)
def test_both_limits_have_to_hold(judgement, holds):
    assert Budget(0.985, 0.005).holds(judgement) is holds


@pytest.mark.parametrize(
    ('limits', 'message'),
    [
        ((98.5, 0.005), 'smallest label agreement is 98.5, expected 0 to 1'),
        ((0.985, -0.1), 'largest loss of mIoU is -0.1, expected 0 to 1'),
        ((float('nan'), 0.0), 'smallest label agreement is nan'),
    ],
)
def test_limits_are_shares(limits, message):
    with pytest.raises(InvalidArgumentError, match=message):
        Budget(*limits)


@pytest.fixture
def spoilt(model, quantized):
    """Quantized so badly in one layer that its outputs are a third of what they should be."""
    proto = onnx.ModelProto()
    proto.CopyFrom(quantized)
    (name,) = (node for node, layer in convolutions(model.proto).items() if layer == SPOILT)
    (node,) = (node for node in proto.graph.node if node.name == name)
    (dequantize,) = (maker for maker in proto.graph.node if node.input[1] in maker.output)
    (scale,) = (t for t in proto.graph.initializer if t.name == dequantize.input[1])
    scale.CopyFrom(
        onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(scale) / np.float32(3), scale.name)
    )
    return proto


def test_the_worst_layer_goes_first_and_then_it_holds(
    model, quantized, spoilt, images, monkeypatch
):
    monkeypatch.setattr(stdc_core.quantization.budget, 'RANKING_IMAGES', 1)
    judge = Judge(model, SIZE, [HeldOutFrame(image) for image in images[4:]])
    good, bad = (
        judge.judge(replace(model, proto=proto)).label_agreement for proto in (quantized, spoilt)
    )
    assert bad < good - 0.02
    told = []
    proto, put_back, judgement = keep_budget(
        model, spoilt, Budget(good - 0.01), judge, images, lambda *step: told.append(step)
    )
    assert [convolutions(model.proto)[name] for name in put_back] == [SPOILT]
    assert judgement.label_agreement >= good - 0.01
    assert judge.judge(replace(model, proto=proto)) == judgement
    assert ('ranking layers', 39, 39) in told


def test_a_budget_that_holds_leaves_all_as_it_is(model, quantized, images):
    judge = Judge(model, SIZE, [HeldOutFrame(images[4])])
    proto, put_back, _ = keep_budget(
        model, quantized, Budget(0.0), judge, images, lambda *step: None
    )
    assert proto is quantized
    assert put_back == []


def test_a_budget_that_never_holds_is_an_error_with_both_figures(
    model, quantized, images, monkeypatch
):
    monkeypatch.setattr(stdc_core.quantization.budget, 'RANKING_IMAGES', 1)
    monkeypatch.setattr(stdc_core.quantization.budget, 'MAX_LEFT_OUT', 2)
    judge = Judge(model, SIZE, [HeldOutFrame(images[4], np.zeros(SIZE, np.uint8))])
    with pytest.raises(QuantizationError) as error:
        keep_budget(model, quantized, Budget(1.0), judge, images, lambda *step: None)
    message = str(error.value)
    assert message.startswith('int8 costs too much: with 6 layers left in float ')
    assert 'expected at least 100.00% and at most 0.50 points' in message
    assert '\n' not in message
