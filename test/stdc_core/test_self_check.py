import numpy as np

from stdc_core.geometry import Size
from stdc_core.self_check import SelfCheck, draw_street


def test_the_drawing_is_the_same_for_the_same_seed():
    size = Size(96, 160)
    street = draw_street(size, seed=1)
    assert street.shape == (96, 160, 3)
    assert street.dtype == np.uint8
    np.testing.assert_array_equal(street, draw_street(size, seed=1))
    assert (street != draw_street(size, seed=2)).any()


def test_the_drawing_has_structure_at_the_smallest_size():
    street = draw_street(Size(64, 64))
    assert len(np.unique(street.reshape(-1, 3), axis=0)) > 20


def test_agreement_is_the_share_of_equal_labels():
    labels = np.zeros((4, 5), np.uint8)
    check = SelfCheck(np.zeros((4, 5, 3), np.uint8), labels.copy())
    labels[0, :2] = 1
    assert check.agreement(labels) == 0.9
