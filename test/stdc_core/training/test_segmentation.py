"""Training of segmentation: it learns, stops and goes on, and adds up."""

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from stdc_core.losses import LossConfig
from stdc_core.model_file import read_model_file
from stdc_core.networks import STDCSegConfig
from stdc_core.networks.checkpoint import load_checkpoint, save_checkpoint
from stdc_core.training.augmentation import AugmentationConfig
from stdc_core.training.datasets.class_weights import (
    balancing_weights,
    class_shares,
    rare_classes,
)
from stdc_core.training.image_store import ImageStore
from stdc_core.training.processes import Processes
from stdc_core.training.recipe import SegmentationRecipe
from stdc_core.training.run_folder import RunError, RunFolder
from stdc_core.training.segmentation import start_segmentation
from stdc_core.training.trainer import NotFiniteError, run_training

CPU = torch.device('cpu')
ALONE = Processes(0, 1, CPU)
TINY = SegmentationRecipe(
    iterations=6,
    batch_size=4,
    crop=(64, 64),
    optimizer='adamw',
    learning_rate=1e-3,
    head_factor=1.0,
    warmup_iterations=2,
    ema_decay=0.9,
    amp='auto',
    evaluate_every=4,
    augmentation=AugmentationConfig(scales=(0.6, 1.5)),
)


@pytest.fixture
def train(streets, tmp_path):
    """Run a training in its own folder; return the folder and the training."""

    def run(recipe, name='run', *, resume=False, stop_after=math.inf, weights=None):
        folder_path = tmp_path / name
        facts = {'recipe': repr(recipe)}
        with (
            ImageStore(streets.split('train'), CPU) as store,
            RunFolder(folder_path, facts, resume=resume) as folder,
        ):
            training = start_segmentation(
                recipe, store, streets.split('val'), folder, ALONE, weights
            )
            trainer = training.trainer
            if resume:
                trainer.load_state(folder.load_state())
                folder.drop_log_after(trainer.iterations)
            run_training(
                trainer,
                folder,
                ALONE,
                iterations=recipe.iterations,
                evaluate_every=recipe.evaluate_every,
                evaluate=lambda: training.evaluate().scores.miou,
                stop=lambda: trainer.iterations >= stop_after,
            )
        return folder_path, training

    return run


def lines(folder: Path, kind: str) -> list[dict]:
    metrics = (folder / 'metrics.jsonl').read_text().splitlines()
    return [line for line in map(json.loads, metrics) if line['kind'] == kind]


def assert_same_tensors(a, b):
    assert a.keys() == b.keys()
    for name in a:
        equal = torch.equal(
            a[name], b[name]
        )  # alone, or pytest would print the tensors for minutes
        assert equal, name


def test_a_run_leaves_all_it_promises(train):
    folder, training = train(TINY)
    assert {path.name for path in folder.iterdir()} == {
        'recipe.json', 'metrics.jsonl', 'tensorboard', 'pictures',
        'last.safetensors', 'best.safetensors', 'state.pt',
    }  # fmt: skip
    assert [line['iteration'] for line in lines(folder, 'evaluation')] == [4, 6]
    (line,) = lines(folder, 'train')
    names = ('total', 'main', 'aux8', 'aux16', 'detail_bce', 'detail_dice')
    assert all(math.isfinite(line[f'loss_{name}']) for name in names)
    assert 0 < line['data_seconds'] < line['seconds']
    picture = cv2.imread(str(folder / 'pictures/000006.jpg'))
    assert picture.shape == (24 + 4 * 300, 4 * 400, 3)
    checkpoint = load_checkpoint(folder / 'last.safetensors')
    assert checkpoint.labels.name == 'streets'
    assert checkpoint.recipe['iterations_done'] == 6
    assert checkpoint.metrics['val_miou'] == lines(folder, 'evaluation')[-1]['val_miou']
    assert_same_tensors(dict(checkpoint.state), training.trainer.network.state_dict())


def test_an_interrupted_and_resumed_run_gives_the_same_weights(train):
    recipe = replace(TINY, accumulate=2)
    whole, _ = train(recipe, 'whole')
    train(recipe, 'parts', stop_after=3)
    assert not (whole.parent / 'parts' / 'last.safetensors').exists()
    parts, _ = train(recipe, 'parts', resume=True, stop_after=5)
    parts, _ = train(recipe, 'parts', resume=True)
    state = [torch.load(folder / 'state.pt', weights_only=True) for folder in (whole, parts)]
    assert_same_tensors(state[0]['network'], state[1]['network'])
    assert_same_tensors(state[0]['average'], state[1]['average'])
    assert state[0]['best'] == state[1]['best']
    moments = [entry['optimizer']['state'] for entry in state]
    for index in moments[0]:
        assert_same_tensors(moments[0][index], moments[1][index])
    assert_same_tensors(
        load_file(whole / 'best.safetensors'), load_file(parts / 'best.safetensors')
    )
    for kind in ('train', 'evaluation'):
        found = [
            [
                {k: v for k, v in line.items() if not k.endswith(('time', 'seconds'))}
                for line in run
            ]
            for run in (lines(whole, kind), lines(parts, kind))
        ]
        assert found[0] == found[1]


def test_another_seed_gives_other_weights(train):
    recipe = replace(TINY, iterations=1, ema_decay=0)
    _, first = train(recipe, 'first')
    _, second = train(replace(recipe, seed=1), 'second')
    a, b = (run.trainer.network.state_dict()['head.classify.weight'] for run in (first, second))
    assert not torch.equal(a, b)


def test_pieces_of_a_batch_add_up(train):
    """With batch norm aside, two halves have the gradients of the whole (plain SGD shows it)."""
    recipe = replace(
        TINY,
        optimizer='sgd',
        amp='off',
        ema_decay=0,
        iterations=1,
        warmup_iterations=0,
        learning_rate=0.1,
        loss=LossConfig(aux_weight=0, detail_strides=(), ohem_threshold=1.0, min_kept_share=1.0),
    )
    weights = []
    for accumulate in (1, 2):
        _, training = train(replace(recipe, accumulate=accumulate), f'run{accumulate}')
        weights.append(training.trainer.network.state_dict()['head.classify.weight'])
    # Batch norm sees 4 or 2 images, so they are close, not equal.
    change = (weights[0] - weights[1]).norm() / weights[0].norm()
    assert change < 0.05


def test_moving_average_is_what_is_kept(train):
    folder, _ = train(replace(TINY, iterations=3))
    state = torch.load(folder / 'state.pt', weights_only=True)
    kept = load_file(folder / 'last.safetensors')['head.classify.weight']
    assert torch.equal(kept, state['average']['module.head.classify.weight'])
    assert not torch.equal(kept, state['network']['head.classify.weight'])


def test_gradients_that_are_not_finite_are_found_before_they_are_used(train, monkeypatch):
    """A finite loss can have them; the weights must not get them."""
    monkeypatch.setattr(
        'torch.nn.utils.get_total_norm', lambda gradients: torch.tensor(float('inf'))
    )
    with pytest.raises(NotFiniteError, match='loss or gradients are not finite in iteration 0'):
        train(replace(TINY, ema_decay=0))


def test_nan_ends_the_run_and_leaves_the_batch(train, tmp_path):
    with pytest.raises(NotFiniteError, match='not finite in iteration'):
        train(replace(TINY, learning_rate=1e30, warmup_iterations=0, ema_decay=0, amp='off'))
    batch = torch.load(tmp_path / 'run' / 'not_finite.pt', weights_only=True)
    assert batch['inputs'].shape == (4, 3, 64, 64)
    assert batch['targets'].shape == (4, 64, 64)


def test_weights_of_another_class_count_start_a_training(train, tmp_path, make_checkpoint):
    source = make_checkpoint(STDCSegConfig('stdc1', 11))
    path = tmp_path / 'camvid.safetensors'
    save_checkpoint(path, source)
    recipe = replace(TINY, iterations=1, learning_rate=0, ema_decay=0)
    _, training = train(recipe, weights=path)
    assert 'head.classify' in training.initialization
    name = 'backbone.stage3.0.blocks.0.conv.weight'
    assert torch.equal(training.trainer.network.state_dict()[name], source.state[name])


def test_a_narrower_head_is_trained_from_a_wide_one(train, streets, tmp_path, make_checkpoint):
    labels = streets.split('train').labels
    path = tmp_path / 'wide.safetensors'
    save_checkpoint(path, make_checkpoint(STDCSegConfig('stdc1', len(labels)), labels))
    recipe = replace(TINY, iterations=1, ema_decay=0, head_channels=8)
    folder, training = train(recipe, weights=path)
    assert training.initialization.startswith('random: head.')
    assert 'head.conv.conv' in training.initialization
    assert 'aux' not in training.initialization
    checkpoint = load_checkpoint(folder / 'last.safetensors')
    assert checkpoint.config.head_channels == 8
    assert checkpoint.build().head.classify.in_channels == 8


def test_a_model_file_starts_a_training(train, model_path):
    recipe = replace(TINY, iterations=1, learning_rate=0, ema_decay=0)
    _, training = train(recipe, weights=model_path)
    assert training.initialization.startswith('random: head.classify, aux8_head.')
    state = training.trainer.network.state_dict()
    for name, weights in read_model_file(model_path).weights().items():
        if name.startswith('backbone.') and name.endswith('.weight'):
            np.testing.assert_array_equal(state[name].numpy(), weights, err_msg=name)
    for name, variance in state.items():
        if name.endswith('.running_var') and 'aux' not in name:
            assert not (variance == 1).any(), name  # measured on the streets


def test_rare_things_are_pasted_where_the_recipe_says_so(streets, train, monkeypatch):
    seen = []

    def paste(images, labels, keys, *, classes, share, seed):
        seen.append((tuple(labels.shape), list(keys), classes, share, seed))
        return images, labels

    monkeypatch.setattr('stdc_core.training.segmentation.paste_classes', paste)
    train(replace(TINY, iterations=1))
    assert not seen
    train(replace(TINY, iterations=1, paste_rare=0.5), 'pasted')
    rare = rare_classes(class_shares(streets.split('train')))
    assert seen == [((4, 64, 64), [0, 1, 2, 3], rare, 0.5, TINY.seed)]


def test_heads_without_a_loss_are_left_alone(train):
    recipe = replace(
        TINY, iterations=1, ema_decay=0, loss=LossConfig(aux_weight=0, detail_strides=())
    )
    _, training = train(recipe)
    network = training.trainer.network
    for name, parameter in network.named_parameters():
        unused = name.startswith(('aux8_head', 'aux16_head', 'detail_head'))
        assert parameter.requires_grad != unused, name
        assert (parameter.grad is None) == unused, name


def test_a_folder_holds_one_run(train, tmp_path):
    train(replace(TINY, iterations=1))
    with pytest.raises(RunError, match='holds a run: pass --resume'):
        train(replace(TINY, iterations=1))
    with pytest.raises(RunError, match=r'has another recipe \(recipe\)'):
        train(replace(TINY, iterations=2), resume=True)
    with pytest.raises(RunError, match='holds no run to go on with'):
        train(TINY, 'nothing', resume=True)
    (tmp_path / 'run/state.pt').write_bytes(b'cut')
    with pytest.raises(RunError, match=r'state\.pt cannot be read'):
        train(replace(TINY, iterations=1), resume=True)


@pytest.mark.slow
def test_two_processes_equal_one_with_the_joint_batch(tmp_path):
    """Gloo on the CPU, batch norm fixed, plain cross entropy."""
    worker = Path(__file__).with_name('joint_batch_worker.py')
    weights = []
    for count in (1, 2):
        path = tmp_path / f'{count}.pt'
        command = [sys.executable, '-m', 'torch.distributed.run', f'--nproc-per-node={count}']
        command += ['--standalone', str(worker), str(path)]
        environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
        result = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        weights.append(torch.load(path, weights_only=True))
    for name in weights[0]:
        torch.testing.assert_close(weights[0][name], weights[1][name], atol=1e-5, rtol=1e-4)
    start = torch.load(tmp_path / '1.pt.start', weights_only=True)
    moved = (weights[0]['head.classify.weight'] - start['head.classify.weight']).abs().max()
    assert moved > 1e-3  # there was something to agree on


@pytest.mark.slow
def test_two_minutes_of_training_reach_60_percent(train):
    """Smoke: streets drawn with other seeds than those it was trained on."""
    recipe = replace(
        TINY,
        iterations=250,
        batch_size=6,
        crop=(96, 96),
        ema_decay=0.97,
        warmup_iterations=20,
        evaluate_every=125,
    )
    folder, training = train(recipe)
    assert training.trainer.best >= 0.6
    losses = [line['loss_total'] for line in lines(folder, 'train')]
    assert losses[-1] < 0.7 * losses[0]


def test_rare_classes_weigh_more_where_the_recipe_says_so(train, streets):
    _, training = train(replace(TINY, iterations=1, class_balance=1.0))
    weights = training.trainer._task._loss.classes.class_weights
    torch.testing.assert_close(
        weights, torch.from_numpy(balancing_weights(class_shares(streets.split('train')), 1.0))
    )
