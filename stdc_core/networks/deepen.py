"""Weights of a shallow backbone for a deep one: STDC2 starts from a trained STDC1."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from stdc_core.networks.stdc_seg import STDCSeg


def deepen(state: Mapping[str, Tensor], network: STDCSeg) -> tuple[dict[str, Tensor], str]:
    """Give the STDC modules that a stage has beyond the weights' copies of the last one there.

    A module has no shortcut, so the deep network computes something else at first. The first
    module of a stage halves the size and is never copied.

    :param state: by the names of a segmentation network's weights, batch norm folded or not.
    :return: the state with the copies, and which they are, in words; empty if none.
    """
    deepened = dict(state)
    copies: list[str] = []
    for name in ('stage3', 'stage4', 'stage5'):
        stage = network.backbone.get_submodule(name)
        assert isinstance(stage, nn.Sequential)
        prefix = f'backbone.{name}.'
        there = [key.removeprefix(prefix).split('.')[0] for key in state if key.startswith(prefix)]
        last = max((int(number) for number in there if number.isdecimal()), default=0)
        if not 0 < last < len(stage) - 1:
            continue
        source = f'{prefix}{last}.'
        for number in range(last + 1, len(stage)):
            for key in [key for key in state if key.startswith(source)]:
                deepened[f'{prefix}{number}.{key.removeprefix(source)}'] = state[key]
        copies.append(f'{name}.{last} to {name}.{last + 1}..{len(stage) - 1}')
    return deepened, f'copied: {", ".join(copies)}' if copies else ''
