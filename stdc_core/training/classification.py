"""Training the classifier whose backbone segmentation starts from (paper, section 4.2)."""

from __future__ import annotations

import math
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from stdc_core.errors import InvalidArgumentError
from stdc_core.networks import STDCClassifier
from stdc_core.networks.checkpoint import write_weights
from stdc_core.networks.stdc_seg import BACKBONES, Variant
from stdc_core.training.batch_order import check_batch, derived_seed, local_batch
from stdc_core.training.classification_crops import center_crop, normalize, random_crop
from stdc_core.training.image_folder import ImageFolder
from stdc_core.training.optimizer import split_by_decay
from stdc_core.training.processes import Processes
from stdc_core.training.recipe import Amp, check_range
from stdc_core.training.run_folder import RunFolder
from stdc_core.training.schedule import warmup_cosine
from stdc_core.training.trainer import Trainer


@dataclass(frozen=True)
class ClassificationRecipe:
    """How a classifier is trained; the defaults are the paper's.

    :param variant: the backbone.
    :param epochs: passes over the data.
    :param batch_size: images a step, over all processes.
    :param accumulate: pieces that a batch is worked through in.
    :param learning_rate: at its highest.
    :param warmup_learning_rate: at the beginning of the linear warm-up.
    :param warmup_epochs: how long the warm-up takes.
    :param momentum: of sgd.
    :param weight_decay: of weights; batch norm has none.
    :param label_smoothing: share of the target that goes to all classes alike.
    :param size: side of the square crops.
    :param least_area: of a training crop, as a share of the image ("as in ResNet").
    :param ema_decay: of the moving average that is evaluated and kept; 0 for none.
    :param amp: precision of the network in training.
    :param seed: of weights, order, augmentation and dropout.
    """

    variant: Variant = 'stdc1'
    epochs: int = 300
    batch_size: int = 64
    accumulate: int = 1
    learning_rate: float = 0.1
    warmup_learning_rate: float = 0.001
    warmup_epochs: float = 5.0
    momentum: float = 0.9
    weight_decay: float = 1e-4
    label_smoothing: float = 0.1
    size: int = 224
    least_area: float = 0.08
    ema_decay: float = 0.0
    amp: Amp = 'off'
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ('epochs', 'batch_size', 'accumulate'):
            check_range(name, getattr(self, name), least=1)
        for name in ('learning_rate', 'warmup_learning_rate'):
            check_range(name, getattr(self, name), least=1e-12)
        check_range('label_smoothing', self.label_smoothing, least=0, below=1)
        check_range('momentum', self.momentum, least=0, below=1)
        check_range('ema_decay', self.ema_decay, least=0, below=1)
        check_range('seed', self.seed, least=0)
        if self.size < 32:
            raise InvalidArgumentError(f'size is {self.size}, expected at least 32')
        if not 0 < self.least_area <= 1:
            raise InvalidArgumentError(f'least_area is {self.least_area}, expected 0 to 1')


class ClassificationTask:
    """Batches of crops, label smoothing, warm-up and cosine. A context manager: it has threads.

    :param data: to train on.
    :param threads: reading and cropping.
    """

    def __init__(
        self,
        recipe: ClassificationRecipe,
        data: ImageFolder,
        processes: Processes,
        threads: int = 2,
    ) -> None:
        check_batch(recipe.batch_size, recipe.accumulate, processes)
        self._recipe = recipe
        self._data = data
        self._processes = processes
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix='classification')
        self._coming: dict[int, list[Future[tuple[NDArray[np.uint8], int]]]] = {}

    @property
    def epoch_iterations(self) -> float:
        """Iterations in one pass over the data."""
        return len(self._data) / self._recipe.batch_size

    @property
    def iterations(self) -> int:
        """Of the whole training."""
        return math.ceil(self._recipe.epochs * self.epoch_iterations)

    def batch(self, iteration: int) -> tuple[Tensor, Tensor]:
        """Normalised crops, float32 (N, 3, S, S), channels last, and class ids, int64 (N,)."""
        self._start(iteration)
        samples = [future.result() for future in self._coming.pop(iteration)]
        self._start(iteration + 1)
        # Dropout draws from torch's own state: make it follow from the iteration, too.
        torch.manual_seed(derived_seed(self._recipe.seed, iteration, self._processes.rank))
        device = self._processes.device
        targets = torch.tensor([class_id for _, class_id in samples], device=device)
        return normalize([crop for crop, _ in samples], device), targets

    def losses(self, output: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Cross entropy with label smoothing."""
        smoothing = self._recipe.label_smoothing
        return {
            'total': functional.cross_entropy(output.float(), targets, label_smoothing=smoothing)
        }

    def learning_rate(self, iteration: int) -> float:
        """Linear warm-up, then cosine, by the fraction of the epoch."""
        recipe = self._recipe
        return recipe.learning_rate * warmup_cosine(
            iteration / self.epoch_iterations,
            epochs=recipe.epochs,
            warmup=recipe.warmup_epochs,
            start=recipe.warmup_learning_rate / recipe.learning_rate,
        )

    def _start(self, iteration: int) -> None:
        """Begin to read a batch; a batch that was begun and is not wanted is forgotten."""
        if iteration in self._coming:
            return
        self._coming.clear()
        recipe = self._recipe
        positions, samples = local_batch(
            iteration, recipe.batch_size, len(self._data), recipe.seed, self._processes
        )
        self._coming[iteration] = [
            self._pool.submit(self._read, sample, position)
            for sample, position in zip(samples, positions, strict=True)
        ]

    def _read(self, sample: int, position: int) -> tuple[NDArray[np.uint8], int]:
        image, class_id = self._data.load(sample)
        rng = np.random.default_rng(derived_seed(self._recipe.seed, position))
        return random_crop(image, self._recipe.size, self._recipe.least_area, rng), class_id

    def __enter__(self) -> ClassificationTask:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class ClassificationScores:
    """Shares of the images whose class is the most likely one, or among the five most likely."""

    top1: float
    top5: float
    images: int


@torch.inference_mode()
def evaluate_classifier(
    network: nn.Module,
    data: ImageFolder,
    size: int,
    device: torch.device,
    batch_size: int = 64,
    readers: int = 2,
) -> ClassificationScores:
    """Top-1 and top-5 on centre crops; of fewer than five classes all are among the top 5."""
    training = network.training
    network.eval()
    right = torch.zeros(5, dtype=torch.long)

    def read(index: int) -> tuple[NDArray[np.uint8], int]:
        image, class_id = data.load(index)
        return center_crop(image, size), class_id

    with ThreadPoolExecutor(readers) as pool:
        for start in range(0, len(data), batch_size):
            samples = list(pool.map(read, range(start, min(start + batch_size, len(data)))))
            crops = normalize([crop for crop, _ in samples], device)
            targets = torch.tensor([class_id for _, class_id in samples])
            likely = network(crops).topk(min(5, len(data.classes)), dim=1).indices.cpu()
            hits = (likely == targets[:, None]).sum(dim=0)
            right[: len(hits)] += hits
    network.train(training)
    total = len(data)
    return ClassificationScores(int(right[0]) / total, int(right.sum()) / total, total)


@dataclass(frozen=True)
class ClassificationTraining:
    """A trainer, and how its network is evaluated and kept."""

    recipe: ClassificationRecipe
    trainer: Trainer
    val: ImageFolder
    folder: RunFolder
    device: torch.device

    def evaluate(self) -> ClassificationScores:
        """Evaluate on ``val``; log, and keep the weights as last and perhaps as best."""
        network = self.trainer.network
        scores = evaluate_classifier(network, self.val, self.recipe.size, self.device)
        metrics = {'val_top1': scores.top1, 'val_top5': scores.top5}
        done = self.trainer.iterations
        self.folder.log('evaluation', done, metrics)
        facts = {
            'classifier': {'variant': self.recipe.variant, 'classes': list(self.val.classes)},
            'recipe': {**self.folder.recipe, 'iterations_done': done},
            'metrics': metrics,
        }
        write_weights(self.folder.path / 'last.safetensors', network.state_dict(), facts)
        if scores.top1 > self.trainer.best:
            write_weights(self.folder.path / 'best.safetensors', network.state_dict(), facts)
        return scores


def start_classification(
    recipe: ClassificationRecipe,
    task: ClassificationTask,
    val: ImageFolder,
    folder: RunFolder,
    processes: Processes,
) -> ClassificationTraining:
    """Set up a training at its first iteration."""
    torch.manual_seed(recipe.seed)
    network = STDCClassifier(BACKBONES[recipe.variant](), len(val.classes)).to(processes.device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    decayed, free = split_by_decay([network])
    optimizer = torch.optim.SGD(
        [
            {'params': decayed, 'weight_decay': recipe.weight_decay},
            {'params': free, 'weight_decay': 0.0},
        ],
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
    )
    trainer = Trainer(
        network,
        optimizer,
        task,
        processes,
        accumulate=recipe.accumulate,
        amp=recipe.amp,
        ema_decay=recipe.ema_decay,
    )
    return ClassificationTraining(recipe, trainer, val, folder, processes.device)
