"""Parameter groups: who decays, who learns faster; every batch norm is trained."""

from collections.abc import Iterable

import torch
from torch import nn

from stdc_core.networks import STDCSeg
from stdc_core.training.recipe import SegmentationRecipe

FAST_PARTS = ('ffm', 'head', 'aux8_head', 'aux16_head', 'detail_head')


def make_optimizer(network: STDCSeg, recipe: SegmentationRecipe) -> torch.optim.Optimizer:
    """Build the optimizer of a recipe.

    Each group carries ``factor``: its share of the learning rate, for :func:`set_learning_rate`.
    The authors leave the backbone's batch norm out of their optimizer; from scratch it has to be
    trained, so here every parameter is in exactly one group.
    """
    groups = []
    for factor in dict.fromkeys((1.0, recipe.head_factor)):
        parts = [
            part
            for name, part in network.named_children()
            if (recipe.head_factor if name in FAST_PARTS else 1.0) == factor
        ]
        decayed, free = split_by_decay(parts)
        groups.append({'params': decayed, 'factor': factor, 'weight_decay': recipe.weight_decay})
        groups.append({'params': free, 'factor': factor, 'weight_decay': 0.0})
    if recipe.optimizer == 'adamw':
        return torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=True)
    return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum)


def split_by_decay(
    modules: Iterable[nn.Module],
) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Weights of convolutions and linear layers, and everything else (batch norm, biases)."""
    parameters = [parameter for module in modules for parameter in module.parameters()]
    return (
        [parameter for parameter in parameters if parameter.ndim > 1],
        [parameter for parameter in parameters if parameter.ndim <= 1],
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Set every group's learning rate to its factor of this."""
    for group in optimizer.param_groups:
        group['lr'] = learning_rate * group.get('factor', 1.0)
