"""The sum over heads: what is in it, what is not, and that it trains the whole network."""

import math

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.nn import functional

from stdc_core.errors import InvalidArgumentError
from stdc_core.labels import UNLABELED
from stdc_core.losses import (
    DetailAggregation,
    DetailLoss,
    LossConfig,
    OhemCrossEntropyLoss,
    SegmentationLoss,
)
from stdc_core.networks import STDCSeg, STDCSegConfig, STDCSegOutput

SIZE = (2, 37, 50)


def make_output(size=SIZE, classes=5, dtype=torch.double, seed=0) -> STDCSegOutput:
    """Logits as a network of this input size gives them."""
    generator = torch.Generator().manual_seed(seed)
    count, height, width = size

    def logits(channels, stride):
        shape = (count, channels, -(-height // stride), -(-width // stride))
        return torch.randn(shape, generator=generator, dtype=torch.double).to(dtype)

    return STDCSegOutput(logits(classes, 8), logits(classes, 8), logits(classes, 16), logits(1, 8))


def make_labels(size=SIZE, classes=5, unlabeled_share=0.1, seed=0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, classes, size, generator=generator)
    labels[torch.rand(size, generator=generator) < unlabeled_share] = UNLABELED
    return labels


@pytest.mark.parametrize('align_corners', [True, False])
def test_total_is_the_weighted_sum_of_every_heads_loss_at_the_labels_size(align_corners):
    output, labels = make_output(), make_labels()
    config = LossConfig(
        ohem_threshold=0.5,
        min_kept_share=0.2,
        aux_weight=0.4,
        detail_weight=3.0,
        detail_strides=(1, 4),
        detail_variant='raw_ids',
        squared_dice=False,
        align_corners=align_corners,
    )
    terms = SegmentationLoss(config)(output, labels)

    def full(logits):
        return functional.interpolate(
            logits, labels.shape[1:], mode='bilinear', align_corners=align_corners
        )

    ohem = OhemCrossEntropyLoss(0.5, 0.2)
    truth = DetailAggregation('raw_ids', (1, 4))(labels)
    bce, dice = DetailLoss(squared_dice=False)(full(output.detail), truth)
    main, aux8, aux16 = (ohem(full(logits), labels) for logits in output[:3])
    total = main + 0.4 * (aux8 + aux16) + 3.0 * (bce + dice)
    torch.testing.assert_close(tuple(terms), (total, main, aux8, aux16, bce, dice))


def test_by_default_every_weight_is_1():
    terms = SegmentationLoss()(make_output(), make_labels())
    torch.testing.assert_close(terms.total, sum(terms[1:]))


def test_heads_that_are_gone_are_left_out():
    output = make_output()._replace(aux8=None, aux16=None, detail=None)
    terms = SegmentationLoss()(output, make_labels())
    assert terms[2:] == (None, None, None, None)
    assert torch.equal(terms.total, terms.main)


@pytest.mark.parametrize(
    ('config', 'missing'),
    [
        (LossConfig(aux_weight=0), {'aux8', 'aux16'}),
        (LossConfig(detail_weight=0), {'detail_bce', 'detail_dice'}),
        (LossConfig(detail_strides=()), {'detail_bce', 'detail_dice'}),
    ],
)
def test_what_has_no_weight_is_left_out(config, missing):
    terms = SegmentationLoss(config)(make_output(), make_labels())
    assert {name for name, term in terms._asdict().items() if term is None} == missing
    torch.testing.assert_close(terms.total, sum(term for term in terms[1:] if term is not None))


@pytest.mark.parametrize('variant', ['per_class', 'raw_ids'])
def test_gradient_is_right_through_every_head(variant):
    labels = make_labels((1, 11, 9), classes=3)
    heads = tuple(x.requires_grad_() for x in make_output((1, 11, 9), classes=3))
    criterion = SegmentationLoss(LossConfig(detail_variant=variant))
    torch.autograd.gradcheck(lambda *x: criterion(STDCSegOutput(*x), labels).total, heads)


@settings(deadline=None, max_examples=50)
@given(
    size=st.tuples(st.integers(1, 2), st.integers(1, 20), st.integers(1, 20)),
    classes=st.integers(1, 4),
    unlabeled_share=st.sampled_from([0.0, 0.9, 1.0]),
    variant=st.sampled_from(['per_class', 'raw_ids']),
    strides=st.sampled_from([(), (1,), (4,), (1, 2, 4)]),
    seed=st.integers(0, 2**31),
)
@example((1, 1, 1), 1, 0.0, 'per_class', (1, 2, 4), 0)
@example((1, 1, 1), 1, 1.0, 'raw_ids', (1, 2, 4), 0)
def test_no_batch_gives_a_loss_or_gradient_that_is_not_finite(
    size, classes, unlabeled_share, variant, strides, seed
):
    output = make_output(size, classes, torch.float32, seed)
    heads = tuple(logits.requires_grad_() for logits in output)
    labels = make_labels(size, classes, unlabeled_share, seed)
    config = LossConfig(detail_variant=variant, detail_strides=strides)
    terms = SegmentationLoss(config)(STDCSegOutput(*heads), labels)
    terms.total.backward()
    for term in terms:
        assert term is None or (term.isfinite() and term >= 0)
    for logits in heads if strides else heads[:3]:
        assert logits.grad.isfinite().all()


def test_a_batch_without_labels_trains_nothing():
    heads = tuple(logits.requires_grad_() for logits in make_output())
    labels = torch.full(SIZE, UNLABELED)
    terms = SegmentationLoss()(STDCSegOutput(*heads), labels)
    terms.total.backward()
    assert terms.total.item() == 0
    assert not any(logits.grad.any() for logits in heads)


def test_every_parameter_of_the_network_gets_a_gradient():
    torch.manual_seed(0)
    network = STDCSeg(STDCSegConfig('stdc1', 5)).train()
    criterion = SegmentationLoss()
    criterion(network(torch.randn(2, 3, 64, 64)), make_labels((2, 64, 64))).total.backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name
    assert not list(criterion.parameters())
    assert not criterion.state_dict()


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(dtype):
    output, labels = make_output(dtype=dtype), make_labels()
    expected = SegmentationLoss()(STDCSegOutput(*(x.float() for x in output)), labels)
    with torch.autocast('cpu', dtype=dtype):
        terms = SegmentationLoss()(output, labels)
    for term, reference in zip(terms, expected, strict=True):
        assert term.dtype == torch.float32
        assert torch.equal(term, reference)


def test_no_value_is_waited_for():
    """Fake tensors have none: reading one, which makes a GPU wait, is an error."""
    with FakeTensorMode():
        heads = tuple(logits.requires_grad_() for logits in make_output(dtype=torch.float32))
        labels = torch.empty(SIZE, dtype=torch.int64)
        terms = SegmentationLoss()(STDCSegOutput(*heads), labels)
        terms.total.backward()
        with pytest.raises(DataDependentOutputException):
            terms.total.item()


def test_memory_format_of_the_logits_changes_nothing():
    output, labels = make_output(), make_labels()
    other = STDCSegOutput(*(x.to(memory_format=torch.channels_last) for x in output))
    torch.testing.assert_close(
        tuple(SegmentationLoss()(other, labels)), tuple(SegmentationLoss()(output, labels))
    )


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'ohem_threshold': 0}, 'OHEM threshold is 0, expected'),
        ({'min_kept_share': 2}, 'min_kept_share is 2, expected'),
        ({'aux_weight': -1}, 'aux_weight is -1, expected a number from 0 up'),
        ({'detail_weight': math.nan}, 'detail_weight is nan, expected'),
        ({'detail_weight': math.inf}, 'detail_weight is inf, expected'),
        ({'detail_variant': 'canny'}, "unknown detail variant 'canny'"),
        ({'detail_variant': 'canny', 'detail_strides': ()}, "unknown detail variant 'canny'"),
        ({'detail_strides': (3,)}, r'detail strides are \[3\], expected'),
    ],
)
def test_impossible_settings_are_refused(fields, message):
    with pytest.raises(InvalidArgumentError, match=message):
        LossConfig(**fields)
