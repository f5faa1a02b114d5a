"""What a training writes: figures, checkpoints, pictures, and what it needs to go on."""

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.tensorboard import SummaryWriter

from stdc_core.atomic_file import atomic_path
from stdc_core.errors import UserError
from stdc_core.image_file import write_image_file


class RunError(UserError):
    """A run folder that cannot be used; the message says why and what to do."""


class RunFolder:
    """The folder of one run.

    ``recipe.json``, ``metrics.jsonl``, ``tensorboard/``, ``pictures/``, ``last.safetensors``,
    ``best.safetensors`` and ``state.pt``. A context manager.

    :param path: made where it is missing.
    :param recipe: plain data, all that decides the weights; written to ``recipe.json``.
    :param resume: go on with the run that is there.
    :param write: False in every process but the first, which makes and checks the folder.
    :raises RunError: the folder holds another run, or none to go on with.
    """

    def __init__(
        self, path: Path, recipe: Mapping[str, Any], *, resume: bool, write: bool = True
    ) -> None:
        self.path = path
        self._recipe = json.loads(json.dumps(recipe))
        self._tensorboard: SummaryWriter | None = None
        if not write:
            return
        recipe_path = path / 'recipe.json'
        if resume:
            self._check_resumable(recipe_path)
        elif (path / 'state.pt').exists():
            raise RunError(
                f'{path} holds a run: pass --resume to go on with it, or another folder'
            )
        else:  # a run that failed before it had a state leaves nothing to lose
            (path / 'metrics.jsonl').unlink(missing_ok=True)
            shutil.rmtree(path / 'tensorboard', ignore_errors=True)
        path.mkdir(parents=True, exist_ok=True)
        self._write_json(recipe_path, self._recipe)

    @property
    def recipe(self) -> dict[str, Any]:
        """The recipe as plain data."""
        return dict(self._recipe)

    def log(self, kind: str, iteration: int, figures: Mapping[str, Any]) -> None:
        """Append one line to ``metrics.jsonl``, and its numbers to tensorboard.

        :param kind: ``train`` or ``evaluation``.
        :param iteration: steps that were done.
        """
        line = {'kind': kind, 'iteration': iteration, 'time': round(time.time(), 3), **figures}
        with (self.path / 'metrics.jsonl').open('a', encoding='utf-8') as file:
            file.write(json.dumps(line) + '\n')
        if self._tensorboard is None:
            self._tensorboard = SummaryWriter(str(self.path / 'tensorboard'), purge_step=iteration)
        for name, value in figures.items():
            if isinstance(value, int | float):
                self._tensorboard.add_scalar(f'{kind}/{name}', value, iteration)

    def drop_log_after(self, iteration: int) -> None:
        """Forget what a run that is taken up again at this iteration had done beyond it."""
        path = self.path / 'metrics.jsonl'
        if not path.exists():
            return
        lines = path.read_text(encoding='utf-8').splitlines()
        kept = [line for line in lines if _iteration_of(line) <= iteration]
        with atomic_path(path) as part:
            part.write_text(''.join(f'{line}\n' for line in kept), encoding='utf-8')

    def write_picture(self, iteration: int, picture: NDArray[np.uint8]) -> None:
        """Write ``pictures/ITERATION.jpg``.

        :param picture: uint8, RGB, shape (H, W, 3).
        """
        path = self.path / 'pictures' / f'{iteration:06d}.jpg'
        write_image_file(path, np.ascontiguousarray(picture[..., ::-1]))

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Write what a resume needs: tensors, numbers and texts."""
        with atomic_path(self.path / 'state.pt') as part:
            torch.save(dict(state), part)

    def load_state(self) -> dict[str, Any]:
        """Read what :meth:`save_state` wrote; nothing in it can run code."""
        try:
            return dict(torch.load(self.path / 'state.pt', map_location='cpu', weights_only=True))
        except Exception as error:  # broken bytes lead torch's unpickler to errors of any type
            raise RunError(f'{self.path / "state.pt"} cannot be read: start anew') from error

    def __enter__(self) -> 'RunFolder':
        return self

    def __exit__(self, *exception: object) -> None:
        if self._tensorboard is not None:
            self._tensorboard.close()

    def _check_resumable(self, recipe_path: Path) -> None:
        if not recipe_path.exists() or not (self.path / 'state.pt').exists():
            raise RunError(f'{self.path} holds no run to go on with: leave --resume away')
        before = json.loads(recipe_path.read_text(encoding='utf-8'))
        different = sorted(
            key
            for key in before.keys() | self._recipe.keys()
            if before.get(key) != self._recipe.get(key)
        )
        if different:
            raise RunError(
                f'the run in {self.path} has another recipe ({", ".join(different)}): resume it '
                'with its own, or start anew from its weights with --weights'
            )

    @staticmethod
    def _write_json(path: Path, content: Any) -> None:
        with atomic_path(path) as part:
            part.write_text(json.dumps(content, indent=1) + '\n', encoding='utf-8')


def _iteration_of(line: str) -> int:
    try:
        return int(json.loads(line)['iteration'])
    except (ValueError, KeyError):  # cut off while it was written
        return 2**62
