"""Weights that a segmentation training starts from, out of any file that has some."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from stdc_core.model_file import ModelFileError, read_model_file
from stdc_core.networks.authors_checkpoint import load_authors_weights
from stdc_core.networks.checkpoint import CheckpointError, load_matching, read_weights
from stdc_core.networks.deepen import deepen
from stdc_core.networks.stdc_seg import STDCSeg
from stdc_core.networks.unfold import load_folded_weights

BACKBONE = 'backbone.'
CLASS_BIAS = 'head.classify.bias'


def load_initial_weights(network: STDCSeg, path: str | Path) -> str:
    """Load a segmentation network or a classifier's backbone, of this package or the authors'.

    What came out of a model file (:func:`is_model_file`) lacks the statistics of batch norm: see
    :func:`stdc_core.networks.unfold.measure_batch_norm`.

    STDC1's weights fit STDC2 (:func:`stdc_core.networks.deepen.deepen`). A bias of the classes
    (:mod:`stdc_core.training.class_bias`) is left out of a network without one.

    :return: what is not the file's, in words: copies, and what keeps its random weights; empty if
        nothing.
    :raises CheckpointError: the file is none, or of another network.
    """
    path = Path(path)
    folded = is_model_file(path)
    state, copied = deepen(_read_model_file(path) if folded else _read(path), network)
    dropped = ''
    if CLASS_BIAS in state and not network.config.class_bias:
        del state[CLASS_BIAS]
        dropped = 'left out: the bias of the classes'
    if folded:
        random = _in_words(load_folded_weights(network, state))
    elif 'head.classify.weight' in state:
        random = _in_words(load_matching(network, state))
    else:
        _load_backbone(network, state, path)
        random = 'random: everything but the backbone'
    return '; '.join(filter(None, (copied, dropped, random)))


def is_model_file(path: str | Path) -> bool:
    """Whether a file to start from is a model file."""
    return Path(path).suffix == '.onnx'


def _load_backbone(network: STDCSeg, state: Mapping[str, Tensor], path: Path) -> None:
    own = network.backbone.state_dict()
    backbone = {
        name.removeprefix(BACKBONE): tensor
        for name, tensor in state.items()
        if name.startswith(BACKBONE)
    }
    if {n: t.shape for n, t in backbone.items()} != {n: t.shape for n, t in own.items()}:
        raise CheckpointError(
            f'{path} has no backbone of {network.config.variant} with '
            f'{network.config.block_num} blocks'
        )
    network.backbone.load_state_dict(backbone)


def _in_words(skipped: list[str]) -> str:
    layers = dict.fromkeys(name.rpartition('.')[0] for name in skipped)
    return f'random: {", ".join(layers)}' if layers else ''


def _read_model_file(path: Path) -> dict[str, Tensor]:
    try:
        model = read_model_file(path)
    except ModelFileError as error:
        raise CheckpointError(str(error)) from error
    if model.metadata.int8:
        raise CheckpointError(f'{path} is int8: start from the float file that it was made of')
    return {name: torch.tensor(array) for name, array in model.weights().items()}


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix == '.safetensors':
        return read_weights(path)[0]
    return load_authors_weights(path)
