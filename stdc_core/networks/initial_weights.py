"""Weights that a segmentation training starts from, out of any file that has some."""

from pathlib import Path

from torch import Tensor

from stdc_core.networks.authors_checkpoint import load_authors_weights
from stdc_core.networks.checkpoint import CheckpointError, load_matching, read_weights
from stdc_core.networks.stdc_seg import STDCSeg

BACKBONE = 'backbone.'


def load_initial_weights(network: STDCSeg, path: str | Path) -> str:
    """Load a segmentation network or a classifier's backbone, of this package or the authors'.

    :return: what was left as it is, in words; empty if nothing.
    :raises CheckpointError: the file is none, or of another network.
    """
    state = _read(Path(path))
    if 'head.classify.weight' in state:
        skipped = load_matching(network, state)
        return f'heads of another shape: {", ".join(skipped)}' if skipped else ''
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
    return 'everything but the backbone'


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix == '.safetensors':
        return read_weights(path)[0]
    return load_authors_weights(path)
