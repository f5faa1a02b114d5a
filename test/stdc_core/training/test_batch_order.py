import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stdc_core.training.batch_order import batch_indices, derived_seed, local_batch
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


def test_a_batch_that_does_not_divide_is_refused():
    with pytest.raises(RunError, match='batch_size 5 does not divide by 2 processes'):
        local_batch(0, 5, 10, 0, Processes(0, 2, CPU))


def test_derived_seeds_are_stable_and_unlike():
    assert derived_seed(1, 2) == derived_seed(1, 2)
    seeds = {derived_seed(a, b) for a in range(20) for b in range(20)}
    assert len(seeds) == 400
    assert all(0 <= seed < 2**63 for seed in seeds)
