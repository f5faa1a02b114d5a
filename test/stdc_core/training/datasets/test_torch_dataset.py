import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from stdc_core.training.datasets import DatasetError, open_dataset
from stdc_core.training.datasets.torch_dataset import TorchDataset


@pytest.fixture
def split(camvid):
    return open_dataset(camvid).split('train')


def test_tensors_equal_what_the_split_loads(split):
    dataset = TorchDataset(split)
    assert len(dataset) == 3
    sample, loaded = dataset[1], split.load(1)
    assert sample.name == loaded.name
    assert sample.image.dtype == sample.labels.dtype == torch.uint8
    assert sample.image.is_contiguous()
    np.testing.assert_array_equal(sample.image.numpy(), loaded.image.transpose(2, 0, 1))
    np.testing.assert_array_equal(sample.labels.numpy(), loaded.labels)


def test_loader_processes_make_batches(split):
    (batch,) = DataLoader(TorchDataset(split), batch_size=3, num_workers=1)
    assert batch.image.shape == (3, 3, 3, 4)
    assert batch.labels.shape == (3, 3, 4)
    assert batch.name == ('0001TP_000030', '0016E5_000060', '0016E5_000090')


def test_bad_file_keeps_its_name_through_a_loader_process(split):
    split.pairs[0].label_path.write_bytes(b'')
    batches = iter(DataLoader(TorchDataset(split), batch_size=3, num_workers=1))
    with pytest.raises(DatasetError, match=r'0001TP_000030\.png: no PNG'):
        next(batches)
    assert list(batches) == []  # a loader that is left early takes 5 s to stop
