"""Pasting against a loop over pixels."""

import pytest
import torch

from stdc_core.training.class_paste import paste_classes

KEYS = [12, 13, 14]


def batch(seed=0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 6, (3, 20, 30), generator=generator)
    labels[labels == 5] = 255
    return torch.rand(3, 3, 20, 30, generator=generator), labels


def paste(classes, share, keys=KEYS):
    images, labels = batch()
    return paste_classes(images, labels, keys, classes=classes, share=share, seed=1)


def test_every_crop_gets_the_classes_of_the_one_before_it():
    images, labels = batch()
    pasted, targets = paste([1, 4], 1.0)
    for place in range(3):
        for y in range(20):
            for x in range(30):
                source = place - 1 if labels[place - 1, y, x] in (1, 4) else place
                assert targets[place, y, x] == labels[source, y, x]
                assert torch.equal(pasted[place, :, y, x], images[source, :, y, x])


def test_nothing_is_pasted_without_classes_or_share():
    images, labels = batch()
    for classes, share in (([], 1.0), ([1, 4], 0.0)):
        pasted, targets = paste(classes, share)
        assert torch.equal(pasted, images)
        assert torch.equal(targets, labels)


def test_unlabeled_pixels_are_never_pasted():
    _, labels = batch()
    _, targets = paste([0, 1, 2, 3, 4], 1.0)
    assert torch.equal(targets == 255, (labels == 255) & (labels.roll(1, 0) == 255))


def test_each_class_is_drawn_by_itself_as_often_as_the_share_says():
    images, labels = batch()
    donated = labels[0]
    first = both = 0
    for key in range(0, 900, 3):
        keys = [key, key + 1, key + 2]
        _, targets = paste_classes(images, labels, keys, classes=[1, 4], share=0.25, seed=1)
        pasted = [bool((targets[1] == class_id)[donated == class_id].all()) for class_id in (1, 4)]
        first += pasted[0]
        both += all(pasted)
    assert first / 300 == pytest.approx(0.25, abs=0.08)
    assert both / 300 == pytest.approx(0.0625, abs=0.05)


def test_the_keys_decide():
    assert torch.equal(paste([0, 1, 2], 0.5)[1], paste([0, 1, 2], 0.5)[1])
    others = [paste([0, 1, 2], 0.5, [key, key + 1, key + 2])[1] for key in range(0, 30, 3)]
    assert any(not torch.equal(others[0], other) for other in others[1:])
