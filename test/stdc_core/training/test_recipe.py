"""The recipes are the paper's, and impossible ones are refused."""

import pytest

from stdc_core.errors import InvalidArgumentError
from stdc_core.training.recipe import PRESETS, SegmentationRecipe


def test_presets_are_the_papers():
    _, cityscapes = PRESETS['cityscapes50']
    assert (cityscapes.batch_size, cityscapes.iterations) == (48, 60_000)
    assert cityscapes.warmup_iterations == 1000
    assert cityscapes.crop == (512, 1024)
    assert cityscapes.augmentation.scales == (0.125, 1.5)
    assert PRESETS['cityscapes75'][1].evaluation_size == (768, 1536)
    _, camvid = PRESETS['camvid']
    assert (camvid.batch_size, camvid.iterations) == (24, 10_000)
    assert camvid.warmup_iterations == 200
    assert camvid.crop == (720, 960)
    assert camvid.augmentation.scales == (0.5, 2.5)
    for recipe in (cityscapes, camvid):
        assert (recipe.learning_rate, recipe.power, recipe.momentum) == (0.01, 0.9, 0.9)
        assert recipe.weight_decay == 5e-4
        assert recipe.head_factor == 10
        assert recipe.optimizer == 'sgd'


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'iterations': 0}, 'iterations is 0'),
        ({'accumulate': 5}, 'batch_size 24 does not divide into 5 pieces'),
        ({'crop': (32, 64)}, 'crop is'),
        ({'ema_decay': 1.0}, 'ema_decay is 1.0'),
        ({'paste_rare': 1.5}, 'paste_rare is 1.5'),
    ],
)
def test_impossible_recipes_are_refused(change, message):
    with pytest.raises(InvalidArgumentError, match=message):
        SegmentationRecipe(**change)
