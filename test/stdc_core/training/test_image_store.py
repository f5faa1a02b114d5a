import dataclasses

import torch

from stdc_core.training.image_store import ImageStore

CPU = torch.device('cpu')


def test_a_pair_that_a_split_holds_twice_is_read_and_kept_once(streets, monkeypatch):
    split = streets.split('train')
    twice = dataclasses.replace(split, pairs=split.pairs[:2] * 2)
    read = []
    load = type(split).load

    def counted(self, index):
        read.append(self.pairs[index].name)
        return load(self, index)

    monkeypatch.setattr(type(split), 'load', counted)
    with ImageStore(twice, CPU) as store:
        images, labels = store.get([0, 1, 2, 3])
        again, _ = store.get([2, 0])
    assert sorted(read) == sorted(pair.name for pair in split.pairs[:2])
    assert images[0] is images[2] is again[0] is again[1]
    assert torch.equal(labels[1], labels[3])


def test_what_does_not_fit_is_read_again(streets, monkeypatch):
    split = streets.split('train')
    read = []
    load = type(split).load
    monkeypatch.setattr(
        type(split), 'load', lambda self, index: read.append(index) or load(self, index)
    )
    with ImageStore(split, CPU, keep_bytes=0) as store:
        first, _ = store.get([3])
        second, _ = store.get([3])
    assert read == [3, 3]
    assert torch.equal(first[0], second[0])
