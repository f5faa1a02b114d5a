"""What every training carries from iteration to iteration, and the loop that drives it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from stdc_core.atomic_file import atomic_path
from stdc_core.networks.cpu_precision import cpu_has_bf16
from stdc_core.training.optimizer import set_learning_rate
from stdc_core.training.processes import Processes
from stdc_core.training.recipe import Amp
from stdc_core.training.run_folder import RunError, RunFolder

AMP_TYPES = {'bf16': torch.bfloat16, 'fp16': torch.float16}
LOG_EVERY = 20  # iterations
LEAST_SCALE = 1e-4  # of fp16's losses; below it every step is skipped


class Task(Protocol):
    """What is particular about training one kind of network."""

    def batch(self, iteration: int) -> tuple[Tensor, Tensor]:
        """Make this process's part of a batch, on its device: inputs and targets."""

    def losses(self, output: Any, targets: Tensor) -> Mapping[str, Tensor]:
        """0-dim losses by name, in fp32; ``total`` is what is minimised."""

    def learning_rate(self, iteration: int) -> float:
        """Of the parameter groups with factor 1, before this iteration's step."""


def supported_amp(device: torch.device) -> Amp:
    """Whether a device has instructions for bf16: ``bf16``, or ``off``."""
    if device.type == 'cuda':
        return 'bf16' if torch.cuda.is_bf16_supported(including_emulation=False) else 'off'
    return 'bf16' if cpu_has_bf16() else 'off'


@dataclass(frozen=True)
class Step:
    """What one iteration came to.

    :param iterations: done so far, this one included.
    :param losses: by name.
    :param learning_rate: of the parameter groups with factor 1.
    :param seconds: it took.
    :param data_seconds: of these, waiting for images and augmenting them (on CUDA, which works
        behind, only until it was told to).
    """

    iterations: int
    losses: dict[str, float]
    learning_rate: float
    seconds: float
    data_seconds: float


class NotFiniteError(RunError):
    """A loss or gradient is NaN or infinite, in this process or another.

    :param batch: what the network saw here: iteration, inputs, targets.
    """

    def __init__(
        self, iteration: int, losses: Mapping[str, float], batch: Sequence[Tensor]
    ) -> None:
        self.batch = {'iteration': iteration, 'inputs': batch[0].cpu(), 'targets': batch[1].cpu()}
        shown = ', '.join(f'{name} {value:.3g}' for name, value in losses.items())
        super().__init__(
            f'loss or gradients are not finite in iteration {iteration} ({shown}): the batch '
            'is in not_finite.pt; lower the learning rate'
        )


class Trainer:
    """Network, optimizer, moving average and the count of iterations.

    :param network: on its device already; trained in place.
    :param optimizer: of its parameters; groups may carry ``factor``.
    :param accumulate: pieces that a batch is worked through in.
    :param amp: precision of the network; losses are fp32.
    :param ema_decay: of the moving average of weights and buffers; 0 for none.
    :param compiled: let torch.compile fuse what the network does in training.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        task: Task,
        processes: Processes,
        *,
        accumulate: int = 1,
        amp: Amp = 'off',
        ema_decay: float = 0.0,
        compiled: bool = False,
    ) -> None:
        self.iterations = 0
        self.best = -math.inf  # of what the evaluations are ranked by
        self._network = network.train()
        self._average: AveragedModel | None = None
        if ema_decay:
            averaging = get_ema_multi_avg_fn(ema_decay)
            self._average = AveragedModel(network, multi_avg_fn=averaging, use_buffers=True)
        self._wrapped = processes.wrap(network)
        self._forward = torch.compile(self._wrapped) if compiled else self._wrapped
        self._optimizer = optimizer
        self._task = task
        self._processes = processes
        self._accumulate = accumulate
        self._amp = supported_amp(processes.device) if amp == 'auto' else amp
        self._scaler = torch.amp.GradScaler(processes.device.type, enabled=self._amp == 'fp16')

    @property
    def network(self) -> nn.Module:
        """What is evaluated and kept: the moving average where there is one."""
        return self._network if self._average is None else self._average.module

    def step(self) -> Step:
        """Do one iteration.

        :raises NotFiniteError: the loss is NaN or infinite, in any process.
        """
        start = time.perf_counter()
        batch = self._task.batch(self.iterations)
        data_seconds = time.perf_counter() - start
        learning_rate = self._task.learning_rate(self.iterations)
        set_learning_rate(self._optimizer, learning_rate)
        self._optimizer.zero_grad()
        losses = self._accumulate_gradients(*batch)
        if self._processes.any(not self._is_finite(losses['total'])):
            raise NotFiniteError(self.iterations, losses, batch)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        if self._average is not None:
            self._average.update_parameters(self._network)
        self.iterations += 1
        seconds = time.perf_counter() - start
        return Step(self.iterations, losses, learning_rate, seconds, data_seconds)

    def state(self) -> dict[str, Any]:
        """Everything a resume needs; the data follow from the count of iterations."""
        return {
            'iterations': self.iterations,
            'best': self.best,
            'network': self._network.state_dict(),
            'average': None if self._average is None else self._average.state_dict(),
            'optimizer': self._optimizer.state_dict(),
            'scaler': self._scaler.state_dict(),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on where :meth:`state` was taken."""
        self.iterations = state['iterations']
        self.best = state['best']
        self._network.load_state_dict(state['network'])
        if self._average is not None:
            self._average.load_state_dict(state['average'])
        self._optimizer.load_state_dict(state['optimizer'])
        self._scaler.load_state_dict(state['scaler'])

    def _accumulate_gradients(self, inputs: Tensor, targets: Tensor) -> dict[str, float]:
        """Work through a batch piece by piece.

        :return: losses, means over the pieces.
        """
        pieces = list(
            zip(inputs.chunk(self._accumulate), targets.chunk(self._accumulate), strict=True)
        )
        sums: dict[str, Tensor] = {}
        for number, (piece, target) in enumerate(pieces):
            with self._without_exchange(last=number == len(pieces) - 1):
                with torch.autocast(
                    piece.device.type,
                    AMP_TYPES.get(self._amp, torch.bfloat16),
                    enabled=self._amp != 'off',
                ):
                    output = self._forward(piece)
                losses = self._task.losses(output, target)
                self._scaler.scale(losses['total'] / len(pieces)).backward()
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0) + loss.detach()
        values = torch.stack(list(sums.values())) / len(pieces)
        return dict(zip(sums, values.tolist(), strict=True))

    def _is_finite(self, total: float) -> bool:
        """Look at loss and gradients; the scaler of fp16 skips infinite gradients, to a limit."""
        if self._scaler.is_enabled():
            return math.isfinite(total) and self._scaler.get_scale() > LEAST_SCALE
        gradients = [p.grad for p in self._network.parameters() if p.grad is not None]
        return math.isfinite(total) and bool(torch.nn.utils.get_total_norm(gradients).isfinite())

    def _without_exchange(self, *, last: bool) -> AbstractContextManager[None]:
        """Let the processes exchange gradients with the last piece of a batch only."""
        if last or not isinstance(self._wrapped, DistributedDataParallel):
            return nullcontext()
        return self._wrapped.no_sync()


def run_training(
    trainer: Trainer,
    folder: RunFolder,
    processes: Processes,
    *,
    iterations: int,
    evaluate_every: int,
    evaluate: Callable[[], float],
    stop: Callable[[], bool] = lambda: False,
    on_step: Callable[[Step], None] = lambda step: None,
) -> bool:
    """Train to the end; write figures and the state on the way.

    :param evaluate: evaluates, logs and keeps the weights, in the first process only; says how
        good they are.
    :param stop: asked between iterations; when it says so the state is saved.
    :return: whether the end was reached.
    """
    while trainer.iterations < iterations:
        try:
            step = trainer.step()
        except NotFiniteError as error:
            name = 'not_finite.pt' if processes.first else f'not_finite_{processes.rank}.pt'
            with atomic_path(folder.path / name) as part:
                torch.save(error.batch, part)
            raise
        ended = step.iterations == iterations
        stopped = processes.any(stop()) and not ended
        evaluated = ended or step.iterations % evaluate_every == 0
        if processes.first:
            on_step(step)
            if step.iterations % LOG_EVERY == 0 or ended:
                _log(folder, step)
            if evaluated:
                trainer.best = max(trainer.best, evaluate())
            if evaluated or stopped:
                folder.save_state(trainer.state())
        if evaluated or stopped:
            processes.wait()
        if stopped:
            return False
    return True


def _log(folder: RunFolder, step: Step) -> None:
    figures = {f'loss_{name}': value for name, value in step.losses.items()}
    figures['learning_rate'] = step.learning_rate
    figures['seconds'] = step.seconds
    figures['data_seconds'] = step.data_seconds
    folder.log('train', step.iterations, figures)
