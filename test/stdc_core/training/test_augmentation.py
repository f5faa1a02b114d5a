"""Crops against an independent way to make them; ids stay ids."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stdc_core.networks.model_graph import IMAGENET_MEAN, IMAGENET_STD
from stdc_core.training.augmentation import Augmentation, AugmentationConfig

MEAN = torch.tensor(IMAGENET_MEAN).view(3, 1, 1)
STD = torch.tensor(IMAGENET_STD).view(3, 1, 1)


def plain(scales=(1.0, 1.0), crop=(32, 48), **options):
    return Augmentation(
        AugmentationConfig(scales=scales, **{'jitter': 0.0, 'flip': False, **options}), crop, 0
    )


def sample(height=40, width=60, seed=0):
    rng = np.random.default_rng(seed)
    image = torch.from_numpy(rng.integers(0, 256, (3, height, width), dtype=np.uint8))
    labels = torch.from_numpy(rng.integers(0, 11, (height, width), dtype=np.uint8))
    return image, labels


def test_at_scale_1_a_crop_is_a_part_of_the_image():
    image, labels = sample()
    crops, targets = plain()([image], [labels], [5])
    assert crops.dtype == torch.float32
    assert targets.dtype == torch.int64
    pixels = (crops[0] * STD + MEAN) * 255
    found = [
        (y, x)
        for y in range(9)
        for x in range(13)
        if torch.equal(labels[y : y + 32, x : x + 48].long(), targets[0])
    ]
    assert len(found) == 1
    (y, x) = found[0]
    expected = image[:, y : y + 32, x : x + 48].float()
    torch.testing.assert_close(pixels, expected, atol=0.01, rtol=0)


def test_image_and_labels_go_the_same_way():
    """An image whose pixels are 20 times its ids still is one after scale, crop and flip."""
    labels = torch.arange(4, dtype=torch.uint8).repeat_interleave(40)[None].repeat(120, 1)
    image = (20 * labels)[None].repeat(3, 1, 1)
    augment = plain(scales=(0.5, 2.5), flip=True)
    for key in range(30):
        crops, targets = augment([image], [labels], [key])
        pixels = ((crops[0] * STD + MEAN) * 255)[0]
        inside = targets[0] != 255
        same = (pixels - 20 * targets[0])[inside].abs() < 10.5
        assert same.float().mean() > 0.9  # but for interpolation along edges


@settings(deadline=None, max_examples=40)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    scale=st.floats(0.1, 4),
    key=st.integers(0, 10**6),
)
def test_what_has_no_image_is_unlabeled_and_zero(height, width, scale, key):
    image, labels = sample(height, width)
    labels %= 3
    crops, targets = plain(scales=(scale, scale), flip=True)([image], [labels], [key])
    assert crops.shape == (1, 3, 32, 48)
    assert crops.isfinite().all()
    ids = set(targets.unique().tolist())
    assert ids <= {0, 1, 2, 255}
    assert (crops[0][:, targets[0] == 255] == 0).all()
    filled = (targets != 255).float().mean().item()
    expected = min(1, height * scale / 32) * min(1, width * scale / 48)
    assert filled == pytest.approx(expected, abs=0.12)


def test_no_id_is_invented_and_sky_stays_sky():
    """Padding by kornia would be of class 0, Sky."""
    image, labels = sample(16, 16)
    labels[:] = 7
    _, targets = plain()([image], [labels], [0])
    assert set(targets.unique().tolist()) == {7, 255}
    assert (targets == 7).sum() == 16 * 16


def test_half_the_crops_are_mirrored():
    labels = torch.zeros(32, 48, dtype=torch.uint8)
    labels[:, :24] = 1
    image = torch.zeros(3, 32, 48, dtype=torch.uint8)
    augment = plain(flip=True)
    left = [int(augment([image], [labels], [key])[1][0, 0, 0]) for key in range(200)]
    assert 70 < sum(left) < 130


def test_jitter_changes_colours_and_no_labels():
    image, labels = sample(32, 48)
    calm, targets = plain()([image], [labels], [3])
    shaken, same = plain(jitter=0.5)([image], [labels], [3])
    assert torch.equal(targets, same)
    assert (calm - shaken).abs().mean() > 0.05


@pytest.mark.parametrize('weather', [0.3, 1.0])
def test_weather_changes_light_and_blur_but_no_labels(weather):
    image, labels = sample(32, 48)
    calm, targets = plain()([image] * 8, [labels] * 8, range(8))
    shaken, same = plain(weather=weather)([image] * 8, [labels] * 8, range(8))
    assert torch.equal(targets, same)
    pixels = shaken * STD + MEAN
    assert pixels.isfinite().all()
    assert (pixels - 0.5).abs().max() < 0.5 + 0.2 * weather
    changes = (calm - shaken).abs().mean((1, 2, 3))
    assert (changes > 0.02).all()
    assert changes.unique().numel() == 8  # each image in its own way


def test_the_key_decides_and_torchs_own_state_stays():
    pairs = [sample(seed=seed) for seed in range(2)]
    images, labels = zip(*pairs, strict=True)
    augment = plain(scales=(0.5, 2.0), jitter=0.5, weather=0.5, flip=True)
    torch.manual_seed(0)
    first = augment(images, labels, [10, 11])
    torch.rand(3)
    state = torch.get_rng_state()
    again = augment(images, labels, [10, 11])
    assert torch.equal(state, torch.get_rng_state())
    other = augment(images, labels, [12, 13])
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        ({'scales': (0, 1)}, 'scales are'),
        ({'scales': (2, 1)}, 'scales are'),
        ({'jitter': 2}, 'jitter is 2'),
        ({'weather': -0.1}, 'weather is -0.1'),
    ],
)
def test_impossible_settings_are_refused(config, message):
    with pytest.raises(ValueError, match=message):
        AugmentationConfig(**config)
