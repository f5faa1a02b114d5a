"""Weights of a model file back into a network that trains: batch norm taken out of convolutions.

A model file keeps convolutions with batch norm folded in. Training needs both, and statistics
that fit: batch norm divides by those of its batch, whatever the file's were.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor, nn

from stdc_core.networks.checkpoint import load_matching
from stdc_core.networks.stdc_seg import STDCSeg

FILES_LACK = ('aux8_head.', 'aux16_head.', 'detail_head.')  # always, or where not exported


def load_folded_weights(network: STDCSeg, weights: Mapping[str, Tensor]) -> list[str]:
    """Load convolutions of a model file; in eval mode the network then computes the same.

    :param weights: by the names of a folded network's; a bias of zeros may be missing.
    :return: names of the tensors that keep their values: heads that the file has not, or of other
        classes or another width.
    :raises CheckpointError: anything else does not fit.
    """
    state: dict[str, Tensor] = {}
    for name, module in network.named_modules():
        if f'{name}.weight' not in weights:
            continue
        weight = state[f'{name}.weight'] = weights[f'{name}.weight']
        bias = weights.get(f'{name}.bias', weight.new_zeros(len(weight)))
        path, _, _ = name.rpartition('.')
        bn = getattr(network.get_submodule(path), 'bn', None)
        if isinstance(bn, nn.BatchNorm2d):
            state[f'{path}.bn.bias'] = bias
            state[f'{path}.bn.weight'] = torch.full_like(bias, 1 + bn.eps).sqrt()
            state[f'{path}.bn.running_mean'] = torch.zeros_like(bias)
            state[f'{path}.bn.running_var'] = torch.ones_like(bias)
        elif module.bias is not None:
            state[f'{name}.bias'] = bias
    own = network.state_dict()
    lacking = [name for name in own if name not in state and name.startswith(FILES_LACK)]
    counters = [name for name in own if name.endswith('.num_batches_tracked')]
    state |= {name: own[name] for name in (*lacking, *counters)}
    return load_matching(network, state) + [n for n in lacking if n not in counters]


@torch.no_grad()
def measure_batch_norm(network: nn.Module, images: Iterable[Tensor]) -> None:
    """Give batch norm the statistics of these images, and weights that keep what it computes.

    With the batch's own statistics, as in training, it computes nearly the same then.

    :param images: normalised batches (N, 3, H, W), on the network's device.
    """
    layers = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    measured = {layer: _Moments() for layer in layers}
    hooks = [
        layer.register_forward_pre_hook(lambda module, inputs: measured[module].add(inputs[0]))
        for layer in layers
    ]
    training = network.training
    network.eval()
    try:
        for batch in images:
            network(batch)
    finally:
        for hook in hooks:
            hook.remove()
        network.train(training)
    for layer in layers:
        mean, variance = measured[layer]
        assert layer.running_mean is not None
        assert layer.running_var is not None
        gain = layer.weight / (layer.running_var + layer.eps).sqrt()
        layer.bias.add_(gain * (mean - layer.running_mean))
        layer.weight.copy_(gain * (variance + layer.eps).sqrt())
        layer.running_mean.copy_(mean)
        layer.running_var.copy_(variance)


class _Moments:
    """Mean and variance of each channel over everything that was added."""

    def __init__(self) -> None:
        self._count = 0
        self._sum: Tensor | float = 0.0
        self._squares: Tensor | float = 0.0

    def add(self, values: Tensor) -> None:
        values = values.double()
        self._count += values.numel() // values.shape[1]
        self._sum = self._sum + values.sum((0, 2, 3))
        self._squares = self._squares + values.square().sum((0, 2, 3))

    def __iter__(self) -> Iterator[Tensor]:
        assert isinstance(self._sum, Tensor)
        assert isinstance(self._squares, Tensor)
        mean = self._sum / self._count
        yield mean.float()
        yield (self._squares / self._count - mean.square()).clamp(min=0).float()
