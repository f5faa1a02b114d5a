"""Every parameter is in one group, at its rate, and only convolutions decay."""

import pytest
from torch import nn

from stdc_core.networks import STDCSeg, STDCSegConfig
from stdc_core.training.optimizer import FAST_PARTS, make_optimizer, set_learning_rate
from stdc_core.training.recipe import PRESETS


def test_every_parameter_is_trained_and_batch_norm_does_not_decay():
    network = STDCSeg(STDCSegConfig('stdc1', 5))
    optimizer = make_optimizer(network, PRESETS['camvid'][1])
    grouped = [parameter for group in optimizer.param_groups for parameter in group['params']]
    assert len(grouped) == len({id(p) for p in grouped}) == len(list(network.parameters()))
    set_learning_rate(optimizer, 0.01)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    norms = {
        id(parameter)
        for module in network.modules()
        if isinstance(module, nn.BatchNorm2d)
        for parameter in module.parameters()
    }
    for group in optimizer.param_groups:
        for parameter in group['params']:
            fast = names[id(parameter)].split('.')[0] in FAST_PARTS
            assert group['lr'] == pytest.approx(0.1 if fast else 0.01)
            assert group['weight_decay'] == (0 if id(parameter) in norms else 5e-4)
