"""A bias of the classes that makes the mean IoU greatest, against a search over a grid."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from stdc_core.metrics import ConfusionMatrix
from stdc_core.networks import STDCSegConfig
from stdc_core.training.class_bias import (
    SampledLogits,
    best_class_bias,
    sample_logits,
    with_class_bias,
)
from stdc_core.training.evaluation import NetworkSegmenter

CPU = torch.device('cpu')


def miou(sampled, bias):
    confusion = ConfusionMatrix(len(bias))
    labels = (sampled.logits + np.asarray(bias, np.float32)[:, None]).argmax(0)
    confusion.update(sampled.truth[None], labels[None].astype(np.uint8))
    return confusion.scores().miou


@pytest.fixture
def rare_class():
    """Make a class with 2 % of the pixels, which good probabilities hardly ever name."""
    rng = np.random.default_rng(0)
    truth = rng.choice(3, 20_000, p=[0.58, 0.4, 0.02]).astype(np.uint8)
    evidence = 1.5 * np.eye(3, dtype=np.float32)[:, truth]
    evidence += rng.normal(size=evidence.shape).astype(np.float32)
    prior = np.log(np.array([[0.58], [0.4], [0.02]], np.float32))
    return SampledLogits(1.5 * evidence + prior, truth)


def test_it_is_as_good_as_the_best_of_a_grid(rare_class):
    found = miou(rare_class, best_class_bias(rare_class))
    grid = np.arange(-0.5, 3.01, 0.25)
    best = max(miou(rare_class, (0, a, b)) for a, b in itertools.product(grid, grid))
    assert best > miou(rare_class, (0, 0, 0)) + 0.02
    assert found > best - 0.003


def test_the_rare_class_is_named_sooner_and_the_mean_is_0(rare_class):
    bias = best_class_bias(rare_class)
    assert bias.dtype == np.float32
    assert bias[2] == bias.max() > 0.5
    assert bias.mean() == pytest.approx(0, abs=1e-6)


def test_what_is_best_already_stays():
    truth = np.arange(4, dtype=np.uint8).repeat(500)
    perfect = SampledLogits(np.eye(4, dtype=np.float32)[:, truth], truth)
    assert not best_class_bias(perfect).any()


@pytest.mark.parametrize('pixels', [0, 20])
def test_a_class_of_hardly_any_pixels_keeps_its_logit_and_does_not_count(rare_class, pixels):
    """Never named, it would leave the mean; named, it would be fitted to a few pixels."""
    logits = np.concatenate([rare_class.logits, rare_class.logits[2:] - 0.5])
    truth = rare_class.truth.copy()
    truth[:pixels] = 3
    sampled = SampledLogits(logits, truth)
    assert sampled.balanced.tolist() == [True, True, True, False]
    bias = best_class_bias(sampled)
    assert bias[3] == 0
    assert bias[2] > 0.5
    assert bias[:3].mean() == pytest.approx(0, abs=1e-6)


def test_without_pixels_there_is_no_bias():
    nothing = SampledLogits(np.zeros((3, 0), np.float32), np.zeros(0, np.uint8))
    assert not best_class_bias(nothing).any()


@pytest.fixture
def trained(make_checkpoint, streets):
    labels = streets.split('val').labels
    return make_checkpoint(STDCSegConfig('stdc1', len(labels)), labels)


def test_sampled_logits_are_those_that_decide_the_labels(trained, streets):
    segmenter = NetworkSegmenter(trained.build(), None, CPU)
    sample = streets.split('val').load(0)
    row, column = (index.ravel() for index in np.indices(sample.labels.shape))
    labels = segmenter.logits_at(sample.image, row, column).argmax(0)
    assert (labels == segmenter(sample.image).ravel()).mean() > 0.999  # but for ties


def test_every_image_gives_its_share_of_labeled_pixels(streets):
    split = streets.split('val')
    chosen = []

    class Recording:
        def logits_at(self, image, row, column):
            chosen.append((row, column))
            return np.zeros((5, len(row)), np.float32)

    seen = []
    sampled = sample_logits(Recording(), split, pixels=500, on_image=lambda: seen.append(1))
    assert len(seen) == len(split)
    assert sampled.logits.shape == (len(split.labels), 500)
    truth = []
    for index, (row, column) in enumerate(chosen):
        assert len(set(zip(row, column, strict=True))) == 500 / len(split)
        truth.append(split.load(index).labels[row, column])
    np.testing.assert_array_equal(sampled.truth, np.concatenate(truth))
    assert sampled.truth.max() < len(split.labels)


def test_a_checkpoint_with_a_bias_has_logits_that_differ_by_it(trained, streets):
    bias = np.linspace(-1, 1, len(trained.labels), dtype=np.float32)
    balanced = with_class_bias(trained, bias)
    assert balanced.config == dataclasses.replace(trained.config, class_bias=True)
    image = streets.split('val').load(0).image
    pixels = np.array([0, 5, 9]), np.array([3, 2, 1])
    before, after, twice = (
        NetworkSegmenter(network.build(), None, CPU).logits_at(image, *pixels)
        for network in (trained, balanced, with_class_bias(balanced, bias))
    )
    np.testing.assert_allclose(after, before + bias[:, None], atol=1e-4)
    np.testing.assert_allclose(twice, before + 2 * bias[:, None], atol=1e-4)
