"""Training a segmentation network (paper, section 4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from stdc_core.losses import LossConfig, LossTerms, SegmentationLoss
from stdc_core.networks import STDCSeg, STDCSegConfig, STDCSegOutput
from stdc_core.networks.checkpoint import Checkpoint, save_checkpoint
from stdc_core.networks.initial_weights import is_model_file, load_initial_weights
from stdc_core.networks.unfold import measure_batch_norm
from stdc_core.training.augmentation import Augmentation
from stdc_core.training.batch_order import check_batch, local_batch
from stdc_core.training.class_paste import paste_classes
from stdc_core.training.datasets import DatasetSplit
from stdc_core.training.datasets.class_weights import (
    balancing_weights,
    class_shares,
    rare_classes,
)
from stdc_core.training.evaluation import Evaluation, NetworkSegmenter, evaluate
from stdc_core.training.evaluation_report import to_metrics
from stdc_core.training.image_store import ImageStore
from stdc_core.training.optimizer import make_optimizer
from stdc_core.training.pictures import draw_predictions
from stdc_core.training.processes import Processes
from stdc_core.training.recipe import SegmentationRecipe
from stdc_core.training.run_folder import RunFolder
from stdc_core.training.schedule import warmup_poly
from stdc_core.training.trainer import Trainer

MEASURED_BATCHES = 16  # for the statistics of batch norm that a model file lacks


class SegmentationTask:
    """Batches of crops, the losses of all heads, warm-up and poly.

    :param store: reads the images to train on.
    """

    def __init__(
        self, recipe: SegmentationRecipe, store: ImageStore, processes: Processes
    ) -> None:
        check_batch(recipe.batch_size, recipe.accumulate, processes)
        self._recipe = recipe
        self._store = store
        self._processes = processes
        weights = None
        self._rare: list[int] = []
        if recipe.class_balance or recipe.paste_rare:
            shares = class_shares(store.split)
            self._rare = rare_classes(shares)
            if recipe.class_balance:
                weights = torch.from_numpy(balancing_weights(shares, recipe.class_balance))
        self._loss = SegmentationLoss(recipe.loss, weights).to(processes.device)
        self._augment = Augmentation(recipe.augmentation, recipe.crop, recipe.seed)

    def batch(self, iteration: int) -> tuple[Tensor, Tensor]:
        """Crops, float32 (N, 3, H, W), channels last, and labels, int64 (N, H, W)."""
        positions, samples = self._local_batch(iteration)
        images, labels = self._store.get(samples)
        self._store.prefetch(self._local_batch(iteration + 1)[1])
        crops, targets = self._augment(images, labels, positions)
        if share := self._recipe.paste_rare:
            crops, targets = paste_classes(
                crops,
                targets,
                positions,
                classes=self._rare,
                share=share,
                seed=self._recipe.seed,
            )
        return crops.contiguous(memory_format=torch.channels_last), targets

    def losses(self, output: STDCSegOutput, targets: Tensor) -> dict[str, Tensor]:
        """Weighted ``total`` and its unweighted parts, as far as there are heads for them."""
        terms: LossTerms = self._loss(STDCSegOutput(*output), targets)
        return {name: loss for name, loss in terms._asdict().items() if loss is not None}

    def learning_rate(self, iteration: int) -> float:
        """Exponential warm-up, then poly."""
        recipe = self._recipe
        return recipe.learning_rate * warmup_poly(
            iteration,
            iterations=recipe.iterations,
            warmup=recipe.warmup_iterations,
            power=recipe.power,
        )

    def _local_batch(self, iteration: int) -> tuple[list[int], list[int]]:
        recipe = self._recipe
        samples = len(self._store.split)
        return local_batch(iteration, recipe.batch_size, samples, recipe.seed, self._processes)


@dataclass(frozen=True)
class SegmentationTraining:
    """A trainer, and how its network is evaluated and kept.

    :param initialization: what is not as in the weights to start from, in words; empty if nothing.
    """

    recipe: SegmentationRecipe
    trainer: Trainer
    val: DatasetSplit
    folder: RunFolder
    device: torch.device
    initialization: str

    def evaluate(self) -> Evaluation:
        """Evaluate on ``val``; log, draw, and keep the weights as last and perhaps as best."""
        network = self.trainer.network
        assert isinstance(network, STDCSeg)
        segmenter = NetworkSegmenter(
            network, self.recipe.evaluation_size, self.device, self.recipe.loss.align_corners
        )
        evaluation = evaluate(segmenter, self.val)
        metrics = to_metrics(evaluation, self.val.labels)
        done = self.trainer.iterations
        self.folder.log('evaluation', done, metrics)
        self.folder.write_picture(done, draw_predictions(segmenter, self.val))
        checkpoint = Checkpoint(
            network.config,
            self.val.labels,
            network.state_dict(),
            recipe={**self.folder.recipe, 'iterations_done': done},
            metrics=metrics,
        )
        save_checkpoint(self.folder.path / 'last.safetensors', checkpoint)
        if evaluation.scores.miou > self.trainer.best:
            save_checkpoint(self.folder.path / 'best.safetensors', checkpoint)
        return evaluation


def start_segmentation(
    recipe: SegmentationRecipe,
    store: ImageStore,
    val: DatasetSplit,
    folder: RunFolder,
    processes: Processes,
    weights: Path | None = None,
) -> SegmentationTraining:
    """Set up a training at its first iteration.

    :param store: reads the split to train on.
    :param val: the split to evaluate on.
    :param weights: file to start from; None starts from scratch.
    """
    torch.manual_seed(recipe.seed)
    network = STDCSeg(
        STDCSegConfig(
            recipe.variant,
            len(val.labels),
            spatial_path=recipe.spatial_path,
            head_channels=recipe.head_channels,
        )
    )
    left = '' if weights is None else load_initial_weights(network, weights)
    _freeze_unused_heads(network, recipe.loss)
    network.to(processes.device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    task = SegmentationTask(recipe, store, processes)
    if weights is not None and is_model_file(weights):
        measure_batch_norm(network, (task.batch(number)[0] for number in range(MEASURED_BATCHES)))
    trainer = Trainer(
        network,
        make_optimizer(network, recipe),
        task,
        processes,
        accumulate=recipe.accumulate,
        amp=recipe.amp,
        ema_decay=recipe.ema_decay,
        compiled=recipe.compiled,
    )
    return SegmentationTraining(recipe, trainer, val, folder, processes.device, left)


def _freeze_unused_heads(network: STDCSeg, loss: LossConfig) -> None:
    """Take heads without a loss out of the training: processes would wait for their gradients."""
    unused = [] if loss.aux_weight else [network.aux8_head, network.aux16_head]
    unused += [] if loss.has_detail else [network.detail_head]
    for head in unused:
        assert head is not None
        head.requires_grad_(False)
