import math

import numpy as np
import pytest

from stdc_core.training.datasets import open_dataset
from stdc_core.training.datasets.class_weights import (
    balancing_weights,
    class_shares,
    enet_class_weights,
    rare_classes,
)


def test_weights_are_enets_formula():
    weights = enet_class_weights([60, 40, 0])
    expected = [1 / math.log(1.02 + share) for share in (0.6, 0.4, 0.0)]
    assert weights.tolist() == pytest.approx(expected)


def test_bounds_are_those_of_the_docstring():
    assert enet_class_weights([7, 0]).tolist() == pytest.approx([1.42, 50.5], abs=0.01)


def test_balancing_weights_are_a_power_of_enets_and_1_on_average(camvid):
    split = open_dataset(camvid).split('train')
    pixels = np.zeros(11)
    for index in range(len(split)):
        for label in split.load(index).labels.ravel():
            if label != 255:
                pixels[label] += 1
    enet = enet_class_weights(pixels)
    shares = class_shares(split)
    np.testing.assert_allclose(shares, pixels / pixels.sum())
    weights = balancing_weights(shares, 0.5)
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights / weights[0], np.sqrt(enet / enet[0]), rtol=1e-6)
    np.testing.assert_allclose((pixels * weights).sum() / pixels.sum(), 1, rtol=1e-6)
    np.testing.assert_allclose(balancing_weights(shares, 0), 1)


def test_rare_classes_have_some_pixels_and_few():
    assert rare_classes(np.array([0.6, 0.0299, 0.0, 0.03, 0.01, 0.3301])) == [1, 4]
