import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from stdc_core.labels import CAMVID, CITYSCAPES
from stdc_core.networks import STDCSeg, STDCSegConfig
from stdc_core.networks.checkpoint import (
    METADATA_KEY,
    Checkpoint,
    CheckpointError,
    load_checkpoint,
    load_matching,
    read_weights,
    save_checkpoint,
    write_weights,
)


@pytest.fixture(scope='module')
def saved(checkpoint, tmp_path_factory):
    path = tmp_path_factory.mktemp('checkpoint') / 'net.safetensors'
    facts = {'recipe': {'iterations': 10}, 'metrics': {'val_miou': 0.5}}
    save_checkpoint(path, Checkpoint(checkpoint.config, CAMVID, checkpoint.state, **facts))
    return path


def test_everything_comes_back(checkpoint, saved):
    loaded = load_checkpoint(saved)
    assert loaded.config == checkpoint.config
    assert loaded.labels == CAMVID
    assert loaded.recipe == {'iterations': 10}
    assert loaded.metrics == {'val_miou': 0.5}
    assert loaded.versions['torch'] == torch.__version__
    assert len(loaded.sha256) == 64
    assert loaded.state.keys() == checkpoint.state.keys()
    network = loaded.build()
    assert not network.training
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, checkpoint.state[name]), name


def test_an_interrupted_save_keeps_the_old_file(checkpoint, saved, monkeypatch):
    content = saved.read_bytes()

    def interrupted(state, path, metadata):
        path.write_bytes(b'half')
        raise KeyboardInterrupt

    monkeypatch.setattr('stdc_core.networks.checkpoint.save_file', interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(saved, checkpoint)
    assert saved.read_bytes() == content
    assert list(saved.parent.iterdir()) == [saved]


def test_another_class_count_loads_all_but_the_heads_and_lists_them(checkpoint):
    network = STDCSeg(STDCSegConfig('stdc1', 19))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    skipped = load_matching(network, checkpoint.state)
    assert skipped == [f'{head}.classify.weight' for head in ('head', 'aux8_head', 'aux16_head')]
    for name, tensor in network.state_dict().items():
        expected = before[name] if name in skipped else checkpoint.state[name]
        assert torch.equal(tensor, expected), name


def test_a_narrower_head_loads_all_but_the_head_and_lists_it(checkpoint):
    network = STDCSeg(STDCSegConfig('stdc1', 11, head_channels=128))
    skipped = load_matching(network, checkpoint.state)
    norm = [f'head.conv.bn.{name}' for name in ('weight', 'bias', 'running_mean', 'running_var')]
    assert skipped == ['head.conv.conv.weight', *norm, 'head.classify.weight']
    for name, tensor in network.state_dict().items():
        if name not in skipped:
            assert torch.equal(tensor, checkpoint.state[name]), name


def test_a_file_from_before_the_width_has_256(checkpoint, saved, tmp_path):
    state, facts = read_weights(saved)
    del facts['config']['head_channels']
    write_weights(tmp_path / 'old.safetensors', state, facts)
    loaded = load_checkpoint(tmp_path / 'old.safetensors')
    assert loaded.config.head_channels == 256
    assert load_matching(STDCSeg(loaded.config), checkpoint.state) == []


def test_a_head_that_is_not_of_its_own_width_is_refused(checkpoint):
    broken = replace(checkpoint, config=replace(checkpoint.config, head_channels=128))
    with pytest.raises(
        CheckpointError, match=r'head\.conv\.conv\.weight has shape \(256, 256.*128'
    ):
        broken.build()


def test_same_class_count_skips_nothing(checkpoint):
    assert load_matching(STDCSeg(checkpoint.config), checkpoint.state) == []


def test_another_variant_is_refused_by_tensor(checkpoint):
    with pytest.raises(CheckpointError, match=r'no weights for backbone\.stage3\.2.* more'):
        load_matching(STDCSeg(STDCSegConfig('stdc2', 11)), checkpoint.state)
    state = dict(checkpoint.state, extra=torch.zeros(1))
    with pytest.raises(CheckpointError, match='this network has no extra'):
        load_matching(STDCSeg(checkpoint.config), state)
    state = dict(checkpoint.state)
    state['ffm.conv.conv.weight'] = torch.zeros(3)
    with pytest.raises(CheckpointError, match=r'ffm\.conv\.conv\.weight has shape \(3,\)'):
        load_matching(STDCSeg(checkpoint.config), state)


def test_labels_must_fit_the_network(checkpoint):
    with pytest.raises(ValueError, match="'cityscapes19' has 19 classes and the network 11"):
        Checkpoint(checkpoint.config, CITYSCAPES, checkpoint.state)


def test_what_is_no_checkpoint_is_refused_by_name(tmp_path, saved):
    with pytest.raises(CheckpointError, match=r'cannot read checkpoint .*gone'):
        load_checkpoint(tmp_path / 'gone.safetensors')
    for name, content in {
        'text': b'hello',
        'empty': b'',
        'cut': saved.read_bytes()[:5000],
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=f'{name} is not a whole safetensors file'):
            load_checkpoint(path)
    foreign = tmp_path / 'foreign'
    save_file({'a': torch.zeros(1)}, foreign)
    with pytest.raises(CheckpointError, match='not written by this package'):
        load_checkpoint(foreign)
    for facts in ({}, {'config': {'variant': 'x'}}, {'config': {'depth': 1}}, 3):
        save_file({'a': torch.zeros(1)}, foreign, metadata={METADATA_KEY: json.dumps(facts)})
        with pytest.raises(CheckpointError, match='foreign has bad metadata'):
            load_checkpoint(foreign)
