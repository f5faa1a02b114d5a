"""Checkpoints: weights and the facts about them in one safetensors file.

The facts (network, labels, recipe, metrics, versions) are JSON in the file's header, so that a
checkpoint is one file, written whole or not at all, and loading it runs no code.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from stdc_core import __version__
from stdc_core.atomic_file import atomic_path
from stdc_core.errors import UserError
from stdc_core.labels import LabelSet
from stdc_core.networks.stdc_seg import STDCSeg, STDCSegConfig

METADATA_KEY = 'stdc_seg'
# What differs in shape where classes or the width of the head do.
HEAD_LAYERS = ('head.', 'aux8_head.classify', 'aux16_head.classify')


class CheckpointError(UserError, ValueError):
    """A file that is no checkpoint, or not of this network; the message names file and fault."""


@dataclass(frozen=True)
class Checkpoint:
    """A trained network.

    :param config: what :class:`STDCSeg` is built from.
    :param labels: the classes of its logits.
    :param state: weights under the names of :class:`STDCSeg`.
    :param recipe: how it was trained; empty: its weights are random.
    :param metrics: what it was measured at.
    :param versions: of the packages that wrote it.
    :param sha256: of the file it was read from; empty if from none.
    :param skipped: what a foreign file held that this network has no place for.
    """

    config: STDCSegConfig
    labels: LabelSet
    state: Mapping[str, Tensor]
    recipe: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    sha256: str = ''
    skipped: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.labels) != self.config.num_classes:
            raise ValueError(
                f"label set '{self.labels.name}' has {len(self.labels)} classes and the network "
                f'{self.config.num_classes}'
            )

    @property
    def align_corners(self) -> bool:
        """How the logits were upsampled in training; the paper's code has True."""
        loss = self.recipe.get('loss')
        return bool(loss.get('align_corners', True)) if isinstance(loss, Mapping) else True

    def build(self) -> STDCSeg:
        """Build the network with these weights, in eval mode.

        :raises CheckpointError: weights are missing, too many, or of another shape.
        """
        network = STDCSeg(self.config)
        if skipped := load_matching(network, self.state):
            raise CheckpointError(
                f'{skipped[0]} has shape {tuple(self.state[skipped[0]].shape)}, its own network '
                f'expects {tuple(network.state_dict()[skipped[0]].shape)}'
            )
        return network.eval()


def save_checkpoint(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; an interrupted write leaves what was at ``path``."""
    facts = {
        'config': asdict(checkpoint.config),
        'labels': checkpoint.labels.to_dict(),
        'recipe': dict(checkpoint.recipe),
        'metrics': dict(checkpoint.metrics),
    }
    write_weights(path, checkpoint.state, facts)


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint of this package.

    :raises CheckpointError: the file is none.
    """
    state, facts = read_weights(path)
    try:
        return Checkpoint(
            config=STDCSegConfig(**facts['config']),
            labels=LabelSet.from_dict(facts['labels']),
            state=state,
            recipe=facts['recipe'],
            metrics=facts['metrics'],
            versions=facts['versions'],
            sha256=hashlib.sha256(Path(path).read_bytes()).hexdigest(),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f'{path} has bad metadata: {error}') from error


def write_weights(path: str | Path, state: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors, with facts and versions as JSON in the header, whole or not at all."""
    versions = {'stdc_seg_ros': __version__, 'torch': torch.__version__}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    with atomic_path(path) as part:
        metadata = {METADATA_KEY: json.dumps({**facts, 'versions': versions})}
        save_file(tensors, part, metadata=metadata)


def read_weights(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what :func:`write_weights` wrote.

    :raises CheckpointError: the file is missing, cut, or not of this package.
    """
    try:
        with safe_open(path, framework='pt') as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        reason = error.strerror or 'no such file'
        raise CheckpointError(f'cannot read checkpoint {path}: {reason}') from error
    except SafetensorError as error:
        raise CheckpointError(f'{path} is not a whole safetensors file: {error}') from error
    if METADATA_KEY not in metadata:
        raise CheckpointError(
            f"{path} has no metadata '{METADATA_KEY}': not written by this package"
        )
    try:
        return state, dict(json.loads(metadata[METADATA_KEY]))
    except (ValueError, TypeError) as error:
        raise CheckpointError(f'{path} has bad metadata: {error}') from error


def load_matching(network: nn.Module, state: Mapping[str, Tensor]) -> list[str]:
    """Load weights into a network whose number of classes or width of the head may differ.

    :param network: an :class:`STDCSeg`; layers that depend on these keep their weights where the
        shapes differ.
    :return: names of the tensors that were skipped.
    :raises CheckpointError: anything else does not fit.
    """
    own = network.state_dict()
    skipped = [
        name
        for name, tensor in state.items()
        if name.startswith(HEAD_LAYERS) and name in own and own[name].shape != tensor.shape
    ]
    fitting = {name: tensor for name, tensor in state.items() if name not in skipped}
    for name, tensor in fitting.items():
        if name in own and own[name].shape != tensor.shape:
            raise CheckpointError(
                f'{name} has shape {tuple(tensor.shape)}, this network expects '
                f'{tuple(own[name].shape)}'
            )
    result = network.load_state_dict(fitting, strict=False)
    if missing := set(result.missing_keys) - set(skipped):
        raise CheckpointError(f'no weights for {_some(missing)}')
    if result.unexpected_keys:
        raise CheckpointError(f'this network has no {_some(set(result.unexpected_keys))}')
    return skipped


def _some(names: set[str]) -> str:
    first = sorted(names)[:3]
    more = len(names) - len(first)
    return ', '.join(first) + (f' and {more} more' if more else '')
