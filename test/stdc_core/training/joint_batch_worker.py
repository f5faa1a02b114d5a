"""Started by torchrun in test_segmentation: three steps, weights written by the first process."""

import sys

import torch
from torch import nn
from torch.nn import functional

from stdc_core.networks import STDCSeg, STDCSegConfig
from stdc_core.training.batch_order import local_batch
from stdc_core.training.processes import join_processes
from stdc_core.training.trainer import Trainer

BATCH = 4
SAMPLES = 8


class PlainTask:
    """Cross entropy on fixed random images; every process takes its part of the batch."""

    def __init__(self, processes):
        generator = torch.Generator().manual_seed(1)
        self.images = torch.randn(SAMPLES, 3, 64, 64, generator=generator)
        self.labels = torch.randint(5, (SAMPLES, 64, 64), generator=generator)
        self.processes = processes

    def batch(self, iteration):
        _, samples = local_batch(iteration, BATCH, SAMPLES, 0, self.processes)
        return self.images[samples], self.labels[samples]

    def losses(self, output, targets):
        heads = (output.logits, output.aux8, output.aux16)
        losses = [
            functional.cross_entropy(functional.interpolate(head, (64, 64)), targets)
            for head in heads
        ]
        return {'total': sum(losses) + output.detail.square().mean()}

    def learning_rate(self, iteration):
        return 0.05


def main(path: str) -> None:
    torch.manual_seed(0)
    network = STDCSeg(STDCSegConfig('stdc1', 5))
    with join_processes('cpu') as processes:
        optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
        trainer = Trainer(network, optimizer, PlainTask(processes), processes, accumulate=2)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        if processes.first:
            torch.save(network.state_dict(), path + '.start')
        for _ in range(3):
            trainer.step()
        if processes.first:
            torch.save(network.state_dict(), path)


if __name__ == '__main__':
    main(sys.argv[1])
