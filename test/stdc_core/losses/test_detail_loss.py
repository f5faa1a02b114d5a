"""BCE and dice against loops over pixels in float64."""

import math

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from stdc_core.losses import DetailGroundTruth, DetailLoss, DiceLoss


def make_truth(size, edge_share=0.3, valid_share=0.8, seed=0) -> DetailGroundTruth:
    generator = torch.Generator().manual_seed(seed)
    count, height, width = size
    target = torch.rand(count, 1, height, width, generator=generator) < edge_share
    valid = torch.rand(count, 1, height, width, generator=generator) < valid_share
    return DetailGroundTruth(target.float(), valid)


def make_logits(size, seed=0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    count, height, width = size
    return torch.randn(count, 1, height, width, generator=generator, dtype=torch.double) * 2


def pixels(probabilities, truth):
    """Per image the list of (p, g) of valid pixels."""
    for p, g, valid in zip(
        probabilities.double().flatten(1).tolist(),
        truth.target.flatten(1).tolist(),
        truth.valid.flatten(1).tolist(),
        strict=True,
    ):
        yield [(pi, gi) for pi, gi, ok in zip(p, g, valid, strict=True) if ok]


def naive_dice(probabilities, truth, squared) -> float:
    power = 2 if squared else 1
    losses = []
    for image in pixels(probabilities, truth):
        overlap = sum(p * g for p, g in image)
        areas = sum(p**power for p, _ in image) + sum(g**power for _, g in image)
        losses.append(1 - (2 * overlap + 1) / (areas + 1))
    return sum(losses) / len(losses)


def naive_bce(logits, truth) -> float:
    total, count = 0.0, 0
    for image in pixels(logits, truth):
        for z, g in image:
            p = 1 / (1 + math.exp(-z))
            total -= g * math.log(p) + (1 - g) * math.log(1 - p)
            count += 1
    return total / max(count, 1)


@settings(deadline=None, max_examples=80)
@given(
    size=st.tuples(st.integers(1, 3), st.integers(1, 8), st.integers(1, 8)),
    grid=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    edge_share=st.sampled_from([0.0, 0.2, 1.0]),
    valid_share=st.sampled_from([0.0, 0.5, 1.0]),
    squared=st.booleans(),
    align_corners=st.booleans(),
    seed=st.integers(0, 2**31),
)
@example((1, 1, 1), (1, 1), 1.0, 1.0, True, True, 0)
@example((2, 5, 5), (2, 2), 0.5, 0.0, True, True, 0)
def test_terms_are_the_loops(size, grid, edge_share, valid_share, squared, align_corners, seed):
    truth = make_truth(size, edge_share, valid_share, seed)
    logits = make_logits((size[0], *grid), seed)
    full = functional.interpolate(logits, size[1:], mode='bilinear', align_corners=align_corners)
    terms = DetailLoss(squared, align_corners)(logits, truth)
    assert terms.bce.item() == pytest.approx(naive_bce(full, truth), abs=1e-9)
    assert terms.dice.item() == pytest.approx(naive_dice(full.sigmoid(), truth, squared), abs=1e-6)
    single = DetailLoss(squared, align_corners)(logits.float(), truth)
    torch.testing.assert_close(single.bce, terms.bce.float(), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(single.dice, terms.dice.float(), atol=1e-5, rtol=1e-4)


def test_dice_by_hand():
    """2 pixels, p = (0.5, 1), g = (1, 1): with squares 1 - 4/4.25, without 1 - 4/4.5."""
    truth = DetailGroundTruth(torch.ones(1, 1, 1, 2), torch.ones(1, 1, 1, 2, dtype=torch.bool))
    p = torch.tensor([0.5, 1.0]).view(1, 1, 1, 2)
    assert DiceLoss(squared=True)(p, truth).item() == pytest.approx(1 - 4 / 4.25)
    assert DiceLoss(squared=False)(p, truth).item() == pytest.approx(1 - 4 / 4.5)


@pytest.mark.parametrize('squared', [True, False])
def test_a_perfect_prediction_has_no_dice_loss(squared):
    truth = make_truth((2, 6, 6))
    assert DiceLoss(squared)(truth.target, truth).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize('squared', [True, False])
def test_gradients_are_right(squared):
    truth = make_truth((2, 4, 5))
    criterion = DetailLoss(squared)
    logits = make_logits((2, 2, 3)).requires_grad_()
    torch.autograd.gradcheck(lambda x: tuple(criterion(x, truth)), logits)


def test_pixels_that_do_not_count_have_neither_loss_nor_gradient():
    truth = make_truth((2, 6, 6), valid_share=0.5)
    logits = make_logits((2, 6, 6))
    other = torch.where(truth.valid, logits, -9 * logits).requires_grad_()
    criterion = DetailLoss()
    terms = criterion(other, truth)
    torch.testing.assert_close(tuple(terms), tuple(criterion(logits, truth)))
    sum(terms).backward()
    assert not other.grad[~truth.valid].any()
    assert other.grad[truth.valid].all()


def test_nothing_valid_gives_zeros_with_zero_gradients():
    truth = make_truth((2, 8, 8), valid_share=0.0)
    logits = make_logits((2, 1, 1)).requires_grad_()
    terms = DetailLoss()(logits, truth)
    sum(terms).backward()
    assert terms.bce.item() == terms.dice.item() == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_sure_and_wrong_stays_finite():
    truth = make_truth((1, 4, 4), valid_share=1.0)
    logits = (1e4 * (1 - 2 * truth.target)).requires_grad_()
    terms = DetailLoss()(logits, truth)
    sum(terms).backward()
    assert terms.bce.item() == pytest.approx(1e4)
    assert logits.grad.isfinite().all()


def test_logits_of_the_same_width_are_upsampled_too():
    """The authors' code compares widths only, and fails on this."""
    truth = make_truth((1, 8, 4))
    assert DetailLoss()(make_logits((1, 2, 4)), truth).bce.isfinite()


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(dtype):
    truth = make_truth((1, 16, 16))
    logits = make_logits((1, 4, 4)).to(dtype)
    expected = DetailLoss()(logits.float(), truth)
    with torch.autocast('cpu', dtype=dtype):
        terms = DetailLoss()(logits, truth)
    for term, reference in zip(terms, expected, strict=True):
        assert term.dtype == torch.float32
        assert torch.equal(term, reference)
