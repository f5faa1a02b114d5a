import numpy as np

from stdc_core.self_check import SelfCheck


def test_agreement_is_the_share_of_equal_labels():
    labels = np.zeros((4, 5), np.uint8)
    check = SelfCheck(np.zeros((4, 5, 3), np.uint8), labels.copy())
    labels[0, :2] = 1
    assert check.agreement(labels) == 0.9
