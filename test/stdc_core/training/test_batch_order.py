import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stdc_core.training.batch_order import (
    batch_indices,
    check_batch,
    derived_seed,
    local_batch,
)
from stdc_core.training.processes import Processes
from stdc_core.training.run_folder import RunError

CPU = torch.device('cpu')


@given(batch=st.integers(1, 7), samples=st.integers(1, 11), seed=st.integers(0, 9))
def test_every_epoch_has_every_sample_once(batch, samples, seed):
    epochs = 3
    iterations = -(-epochs * samples // batch)
    order = [i for n in range(iterations) for i in batch_indices(n, batch, samples, seed)]
    for epoch in range(epochs):
        assert sorted(order[epoch * samples : (epoch + 1) * samples]) == list(range(samples))


def test_epochs_and_seeds_have_other_orders():
    orders = {tuple(batch_indices(epoch, 20, 20, 0)) for epoch in range(5)}
    orders |= {tuple(batch_indices(0, 20, 20, seed)) for seed in range(5)}
    assert len(orders) == 9


def test_processes_share_a_batch_without_overlap():
    whole = batch_indices(3, 6, 100, 0)
    parts = [local_batch(3, 6, 100, 0, Processes(rank, 3, CPU)) for rank in range(3)]
    assert sorted(p for positions, _ in parts for p in positions) == list(range(18, 24))
    for positions, samples in parts:
        assert samples == [whole[position - 18] for position in positions]


@pytest.mark.parametrize(
    ('batch', 'accumulate', 'count', 'message'),
    [
        (5, 1, 2, r'batch_size 5 does not divide by 2 process\(es\) times 1'),
        (6, 2, 2, r'batch_size 6 does not divide by 2 process\(es\) times 2'),
        (6, 6, 1, 'leaves one image to a piece'),
        (2, 1, 2, 'leaves one image to a piece'),
    ],
)
def test_pieces_of_two_sizes_or_of_one_image_are_refused(batch, accumulate, count, message):
    with pytest.raises(RunError, match=message):
        check_batch(batch, accumulate, Processes(0, count, CPU))
    check_batch(8, 2, Processes(0, 2, CPU))
    check_batch(2, 1, Processes(0, 2, torch.device('cuda', 0)))


def test_derived_seeds_are_stable_and_unlike():
    assert derived_seed(1, 2) == derived_seed(1, 2)
    seeds = {derived_seed(a, b) for a in range(20) for b in range(20)}
    assert len(seeds) == 400
    assert all(0 <= seed < 2**63 for seed in seeds)
