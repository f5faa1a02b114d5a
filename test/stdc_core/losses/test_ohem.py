"""OHEM against loops over pixels in float64."""

import itertools
import math

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stdc_core.errors import InvalidArgumentError
from stdc_core.labels import UNLABELED
from stdc_core.losses import OhemCrossEntropyLoss


def pixel_losses(logits: torch.Tensor, labels: torch.Tensor) -> list[float]:
    """-log softmax of the true class at every pixel, 0 where unlabeled."""
    losses = []
    for image, ids in zip(logits.double().tolist(), labels.tolist(), strict=True):
        for y, row in enumerate(ids):
            for x, label in enumerate(row):
                values = [plane[y][x] for plane in image]
                if label == UNLABELED:
                    losses.append(0.0)
                else:
                    top = max(values)
                    losses.append(
                        top - values[label] + math.log(sum(math.exp(v - top) for v in values))
                    )
    return losses


def naive_ohem(logits, labels, threshold=0.7, share=1 / 16) -> float:
    losses = sorted(pixel_losses(logits, labels), reverse=True)
    hard = [loss for loss in losses if loss > -math.log(threshold)]
    kept = hard or [0.0]
    if len(hard) < (minimum := max(1, math.floor(len(losses) * share))):
        kept = losses[:minimum]
    return sum(kept) / len(kept)


def batch(size, classes, scale=1.0, unlabeled_share=0.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    count, height, width = size
    logits = torch.randn(count, classes, height, width, generator=generator) * scale
    labels = torch.randint(0, classes, size, generator=generator)
    labels[torch.rand(size, generator=generator) < unlabeled_share] = UNLABELED
    return logits, labels


def confident(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Raise the true class of every labeled pixel."""
    truth = labels.where(labels != UNLABELED, 0).unsqueeze(1)
    return logits.scatter_add(1, truth, torch.full_like(logits[:, :1], 8.0))


@settings(deadline=None, max_examples=100)
@given(
    size=st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7)),
    classes=st.integers(1, 5),
    scale=st.sampled_from([0.0, 0.5, 3.0, 30.0]),
    unlabeled_share=st.sampled_from([0.0, 0.3, 0.95, 1.0]),
    threshold=st.sampled_from([1e-3, 0.45, 0.7, 0.99]),
    share=st.sampled_from([1e-6, 1 / 16, 0.5, 1.0]),
    seed=st.integers(0, 2**31),
)
@example((1, 1, 1), 1, 0.0, 0.0, 0.7, 1 / 16, 0)  # smaller than the minimum's 16 pixels
@example((2, 4, 4), 3, 1.0, 1.0, 0.7, 1.0, 0)  # nothing labeled
@example((1, 2, 2), 3, 1.0, 0.0, 0.7, 1.0, 0)  # the minimum is all there is
def test_loss_is_the_loops(size, classes, scale, unlabeled_share, threshold, share, seed):
    logits, labels = batch(size, classes, scale, unlabeled_share, seed)
    criterion = OhemCrossEntropyLoss(threshold, share)
    expected = naive_ohem(logits, labels, threshold, share)
    assert criterion(logits.double(), labels).item() == pytest.approx(expected, abs=1e-9)
    hard_loss = -math.log(threshold)  # rounding may move a pixel across, but none that is clear
    if all(abs(loss - hard_loss) > 1e-5 for loss in pixel_losses(logits, labels)):
        assert criterion(logits, labels).item() == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_loss_is_the_mean_of_the_hard_pixels_where_they_are_many():
    logits, labels = batch((2, 6, 6), 4)
    losses = torch.tensor(pixel_losses(logits, labels))
    hard = losses[losses > -math.log(0.7)]
    assert len(hard) > len(losses) / 16
    assert OhemCrossEntropyLoss()(logits, labels).item() == pytest.approx(hard.mean().item())


def test_a_minimum_of_the_hardest_is_kept_where_hard_ones_are_few():
    logits, labels = batch((2, 8, 8), 4)
    logits = confident(logits, labels)
    losses = torch.tensor(pixel_losses(logits, labels))
    assert (losses > -math.log(0.7)).sum() < 8
    expected = losses.topk(128 // 16).values.mean().item()
    assert OhemCrossEntropyLoss()(logits, labels).item() == pytest.approx(expected, rel=1e-4)


def test_unlabeled_pixels_fill_the_minimum_up_with_zeros():
    """As the authors' code does: 2 labeled pixels, 4 kept of 64, half the loss."""
    logits = torch.zeros(1, 3, 8, 8)
    labels = torch.full((1, 8, 8), UNLABELED)
    labels[0, 0, :2] = 1
    assert OhemCrossEntropyLoss()(logits, labels).item() == pytest.approx(math.log(3) / 2)


@pytest.mark.parametrize('size', [(1, 1, 1), (2, 16, 16)])
def test_nothing_labeled_gives_a_zero_with_zero_gradients(size):
    logits, labels = batch(size, 5, unlabeled_share=1.0)
    logits.requires_grad_()
    loss = OhemCrossEntropyLoss()(logits, labels)
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_one_class_gives_a_zero():
    logits, labels = batch((1, 5, 5), 1)
    assert OhemCrossEntropyLoss()(logits, labels).item() == 0


@pytest.mark.parametrize('hard', [True, False])
def test_gradient_is_right_on_either_side_of_the_minimum(hard):
    logits, labels = batch((1, 5, 5), 3, unlabeled_share=0.2)
    logits = logits.double() if hard else confident(logits.double(), labels)
    criterion = OhemCrossEntropyLoss(min_kept_share=0.1 if hard else 0.4)
    torch.autograd.gradcheck(lambda x: criterion(x, labels), logits.requires_grad_())


def test_only_what_is_kept_gets_a_gradient():
    logits, labels = batch((2, 8, 8), 4, unlabeled_share=0.1)
    logits = confident(logits, labels).requires_grad_()
    OhemCrossEntropyLoss()(logits, labels).backward()
    assert logits.grad.any(dim=1).sum() == 128 // 16


def test_a_nan_is_not_hidden_by_other_hard_pixels():
    logits, labels = batch((1, 8, 8), 4)
    logits[0, 0, 3, 3] = math.nan
    assert OhemCrossEntropyLoss()(logits, labels).isnan()


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(dtype):
    logits, labels = batch((1, 8, 8), 4)
    logits = logits.to(dtype)
    expected = OhemCrossEntropyLoss()(logits.float(), labels)
    with torch.autocast('cpu', dtype=dtype):
        loss = OhemCrossEntropyLoss()(logits, labels)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, expected)


@pytest.mark.parametrize('value', [0, -0.1, 1.1, math.nan])
def test_impossible_settings_are_refused(value):
    with pytest.raises(InvalidArgumentError, match=f'OHEM threshold is {value}, expected'):
        OhemCrossEntropyLoss(threshold=value)
    with pytest.raises(InvalidArgumentError, match=f'min_kept_share is {value}, expected'):
        OhemCrossEntropyLoss(min_kept_share=value)


def test_class_weights_are_factors_before_the_hard_pixels_are_chosen():
    torch.manual_seed(3)
    logits, labels = torch.randn(2, 3, 8, 9), torch.randint(0, 3, (2, 8, 9))
    labels[0, 0] = 255
    weights = torch.tensor([0.5, 1.0, 4.0])
    found = OhemCrossEntropyLoss(0.7, 1 / 16, weights)(logits, labels)
    losses = []
    for n, y, x in itertools.product(range(2), range(8), range(9)):
        label = int(labels[n, y, x])
        if label != 255:
            probability = logits[n, :, y, x].softmax(0)[label]
            losses.append(float(-weights[label] * probability.log()))
    hard = [loss for loss in losses if loss > -math.log(0.7)]
    assert float(found) == pytest.approx(sum(hard) / len(hard), rel=1e-5)
