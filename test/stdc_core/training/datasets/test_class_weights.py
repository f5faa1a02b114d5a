import math

import pytest

from stdc_core.training.datasets.class_weights import enet_class_weights


def test_weights_are_enets_formula():
    weights = enet_class_weights([60, 40, 0])
    expected = [1 / math.log(1.02 + share) for share in (0.6, 0.4, 0.0)]
    assert weights.tolist() == pytest.approx(expected)


def test_bounds_are_those_of_the_docstring():
    assert enet_class_weights([7, 0]).tolist() == pytest.approx([1.42, 50.5], abs=0.01)
