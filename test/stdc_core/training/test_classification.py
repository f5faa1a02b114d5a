"""Training of the classifier on a generated image folder; its backbone feeds segmentation."""

import json
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from stdc_core.networks import STDCClassifier, STDCSeg, STDCSegConfig, stdc1
from stdc_core.networks.checkpoint import CheckpointError
from stdc_core.networks.initial_weights import load_initial_weights
from stdc_core.training.classification import (
    ClassificationRecipe,
    ClassificationTask,
    evaluate_classifier,
    start_classification,
)
from stdc_core.training.classification_crops import center_crop, random_crop
from stdc_core.training.datasets import DatasetError
from stdc_core.training.image_folder import open_image_folder
from stdc_core.training.processes import Processes
from stdc_core.training.run_folder import RunFolder
from stdc_core.training.trainer import run_training

CPU = torch.device('cpu')
ALONE = Processes(0, 1, CPU)
COLORS = {'blue': (40, 60, 200), 'green': (40, 190, 60), 'red': (200, 50, 40)}
TINY = ClassificationRecipe(epochs=3, batch_size=6, size=64, warmup_epochs=1, learning_rate=0.05)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Noisy pictures of three colours, 6 to train and 3 to validate each."""
    root = tmp_path_factory.mktemp('colors')
    rng = np.random.default_rng(0)
    for split, count in (('train', 6), ('val', 3)):
        for name, color in COLORS.items():
            (root / split / name).mkdir(parents=True)
            for number in range(count):
                shape = (int(rng.integers(70, 100)), int(rng.integers(70, 100)), 3)
                image = np.clip(color + rng.normal(0, 25, shape), 0, 255).astype(np.uint8)
                cv2.imwrite(str(root / split / name / f'{number}.png'), image[..., ::-1])
    return root


@pytest.fixture
def train(folder, tmp_path):
    def run(recipe, name='run', *, resume=False, stop_after=math.inf):
        data = open_image_folder(folder, 'train')
        val = open_image_folder(folder, 'val', like=data)
        with (
            ClassificationTask(recipe, data, ALONE) as task,
            RunFolder(tmp_path / name, {'recipe': repr(recipe)}, resume=resume) as run_folder,
        ):
            training = start_classification(recipe, task, val, run_folder, ALONE)
            trainer = training.trainer
            if resume:
                trainer.load_state(run_folder.load_state())
            run_training(
                trainer,
                run_folder,
                ALONE,
                iterations=task.iterations,
                evaluate_every=math.ceil(task.epoch_iterations),
                evaluate=lambda: training.evaluate().top1,
                stop=lambda: trainer.iterations >= stop_after,
            )
        return tmp_path / name, training

    return run


def test_the_default_recipe_is_the_papers():
    recipe = ClassificationRecipe()
    assert (recipe.batch_size, recipe.epochs, recipe.momentum) == (64, 300, 0.9)
    assert recipe.weight_decay == 1e-4
    assert (recipe.warmup_learning_rate, recipe.learning_rate) == (0.001, 0.1)
    assert recipe.warmup_epochs == 5
    assert recipe.size == 224
    assert STDCClassifier(stdc1()).dropout.p == 0.2


def test_a_run_evaluates_every_epoch_and_keeps_the_best(train):
    folder, _ = train(TINY)
    lines = [json.loads(line) for line in (folder / 'metrics.jsonl').read_text().splitlines()]
    evaluations = [line for line in lines if line['kind'] == 'evaluation']
    assert [line['iteration'] for line in evaluations] == [3, 6, 9]
    assert all(line['val_top5'] == 1 for line in evaluations)  # of three classes
    assert all(0 <= line['val_top1'] <= 1 for line in evaluations)
    assert {'best.safetensors', 'last.safetensors'} <= {path.name for path in folder.iterdir()}


def test_interrupted_and_resumed_gives_the_same_weights_dropout_included(train):
    whole, _ = train(TINY, 'whole')
    train(TINY, 'parts', stop_after=4)
    parts, _ = train(TINY, 'parts', resume=True)
    states = [torch.load(path / 'state.pt', weights_only=True) for path in (whole, parts)]
    for name, tensor in states[0]['network'].items():
        assert torch.equal(tensor, states[1]['network'][name]), name


def test_the_trained_backbone_feeds_segmentation(train):
    folder, training = train(replace(TINY, epochs=1))
    network = STDCSeg(STDCSegConfig('stdc1', 11))
    assert load_initial_weights(network, folder / 'last.safetensors') == (
        'random: everything but the backbone'
    )
    trained = training.trainer.network.backbone.state_dict()
    for name, tensor in network.backbone.state_dict().items():
        assert torch.equal(tensor, trained[name]), name
    with pytest.raises(CheckpointError, match='has no backbone of stdc1 with 2 blocks'):
        load_initial_weights(
            STDCSeg(STDCSegConfig('stdc1', 11, block_num=2)), folder / 'last.safetensors'
        )


class Ranking(torch.nn.Module):
    """Ranks the classes the same way for every image: class 0 first, class 7 last."""

    def forward(self, images):
        return -torch.arange(8.0).repeat(len(images), 1)


def test_top_1_and_top_5_are_counted(tmp_path):
    for number in range(8):
        place = tmp_path / 'val' / f'class{number}'
        place.mkdir(parents=True)
        for name in range(1 + number % 2):  # classes 1, 3, 5 and 7 have two images
            cv2.imwrite(str(place / f'{name}.png'), np.zeros((70, 70, 3), np.uint8))
    data = open_image_folder(tmp_path, 'val')
    network = Ranking().train()
    scores = evaluate_classifier(network, data, 64, CPU, batch_size=5)
    assert (scores.top1, scores.top5, scores.images) == (1 / 12, 7 / 12, 12)
    assert network.training


@pytest.mark.parametrize('shape', [(90, 70), (10, 300), (1, 1), (400, 500)])
def test_crops_have_the_size_asked_for(shape):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert center_crop(image, 64).shape == (64, 64, 3)
    for _ in range(20):
        assert random_crop(image, 64, 0.08, rng).shape == (64, 64, 3)


def test_a_training_crop_is_a_part_of_the_image_and_half_are_mirrored():
    """A ramp from left to right: mirrored crops fall, the others rise."""
    ramp = np.tile(np.linspace(0, 255, 200).astype(np.uint8)[None, :, None], (120, 1, 3))
    rising = 0
    for seed in range(100):
        crop = random_crop(ramp, 64, 0.3, np.random.default_rng(seed)).astype(int)
        steps = np.diff(crop[0, :, 0])
        assert (steps >= 0).all() or (steps <= 0).all()
        rising += crop[0, -1, 0] > crop[0, 0, 0]
    assert 30 < rising < 70


def test_bad_folders_are_refused_by_name(tmp_path, folder):
    with pytest.raises(DatasetError, match='there is no folder'):
        open_image_folder(tmp_path, 'train')
    (tmp_path / 'train').mkdir()
    with pytest.raises(DatasetError, match='has no folders'):
        open_image_folder(tmp_path, 'train')
    (tmp_path / 'train' / 'cat').mkdir()
    with pytest.raises(DatasetError, match='cat has no images'):
        open_image_folder(tmp_path, 'train')
    (tmp_path / 'train' / 'cat' / 'a.jpg').write_bytes(b'no picture')
    data = open_image_folder(tmp_path, 'train')
    with pytest.raises(DatasetError, match=r'a\.jpg'):
        data.load(0)
    with pytest.raises(DatasetError, match='has not the classes of the other split: blue, cat'):
        open_image_folder(folder, 'val', like=data)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'epochs': 0}, 'epochs is 0'),
        ({'size': 8}, 'size is 8'),
        ({'least_area': 0}, 'least_area'),
    ],
)
def test_impossible_recipes_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **change)
