"""The authors' files, imitated with their keys and shapes, doubled tensors and all.

Their real code was run beside this (see docs/decisions.md): logits equal within rounding.
"""

import pickle

import pytest
import torch

from stdc_core.labels import CAMVID, CITYSCAPES
from stdc_core.networks import STDCClassifier, stdc1, stdc2
from stdc_core.networks.authors_checkpoint import (
    load_authors_classifier,
    load_authors_segmentation,
)
from stdc_core.networks.checkpoint import CheckpointError

DEPTHS = {'stdc1': (2, 2, 2), 'stdc2': (4, 5, 3)}


class AuthorsLayout:
    """Random tensors under the authors' names."""

    def __init__(self):
        self.state = {}
        self.generator = torch.Generator().manual_seed(0)

    def conv(self, name, out_channels, in_channels, kernel):
        shape = (out_channels, in_channels, kernel, kernel)
        self.state[f'{name}.weight'] = torch.randn(shape, generator=self.generator)

    def bn(self, name, channels, counter=True):
        for part in ('weight', 'bias', 'running_mean'):
            self.state[f'{name}.{part}'] = torch.randn(channels, generator=self.generator)
        self.state[f'{name}.running_var'] = torch.rand(channels, generator=self.generator) + 0.5
        if counter:
            self.state[f'{name}.num_batches_tracked'] = torch.tensor(7)

    def conv_bn(self, name, out_channels, in_channels, kernel, counter=True):
        self.conv(f'{name}.conv', out_channels, in_channels, kernel)
        self.bn(f'{name}.bn', out_channels, counter)

    def backbone(self, variant, prefix=''):
        self.conv_bn(f'{prefix}features.0', 32, 3, 3)
        self.conv_bn(f'{prefix}features.1', 64, 32, 3)
        number, channels = 2, 64
        for depth, out in zip(DEPTHS[variant], (256, 512, 1024), strict=True):
            for position in range(depth):
                name = f'{prefix}features.{number}'
                blocks = [(out // 2, channels, 1), (out // 4, out // 2, 3)]
                blocks += [(out // 8, out // 4, 3), (out // 8, out // 8, 3)]
                for block, shape in enumerate(blocks):
                    self.conv_bn(f'{name}.conv_list.{block}', *shape)
                if position == 0:
                    self.conv(f'{name}.avd_layer.0', out // 2, 1, 3)
                    self.bn(f'{name}.avd_layer.1', out // 2)
                number, channels = number + 1, out
        ends = [1, 2, *(2 + sum(DEPTHS[variant][: i + 1]) for i in range(3))]
        for name, tensor in list(self.state.items()):
            if name.startswith(f'{prefix}features.'):
                rest = name.removeprefix(f'{prefix}features.')
                stage = next(i for i, end in enumerate(ends) if int(rest.split('.')[0]) < end)
                self.state[f'{prefix}x{2 ** (stage + 1)}.0.{rest}'] = tensor.clone()
        self.conv_bn(f'{prefix}conv_last', 1024, 1024, 1)
        self.state[f'{prefix}fc.weight'] = torch.randn(1024, 1024, generator=self.generator)
        self.bn(f'{prefix}bn', 1024)
        self.state[f'{prefix}linear.weight'] = torch.randn(1000, 1024, generator=self.generator)

    def segmentation(self, variant, classes):
        self.backbone(variant, 'cp.backbone.')
        for level, channels in ((16, 512), (32, 1024)):
            self.conv_bn(f'cp.arm{level}.conv', 128, channels, 3, counter=False)
            self.conv(f'cp.arm{level}.conv_atten', 128, 128, 1)
            self.bn(f'cp.arm{level}.bn_atten', 128, counter=False)
            self.conv_bn(f'cp.conv_head{level}', 128, 128, 3, counter=False)
        self.conv_bn('cp.conv_avg', 128, 1024, 1, counter=False)
        self.conv_bn('ffm.convblk', 256, 384, 1, counter=False)
        self.conv('ffm.conv1', 64, 256, 1)
        self.conv('ffm.conv2', 256, 64, 1)
        heads = {
            'conv_out': (256, 256, classes),
            'conv_out16': (128, 64, classes),
            'conv_out32': (128, 64, classes),
            'conv_out_sp16': (512, 64, 1),
            'conv_out_sp8': (256, 64, 1),
            'conv_out_sp4': (64, 64, 1),
            'conv_out_sp2': (32, 64, 1),
        }
        for name, (in_channels, middle, out) in heads.items():
            self.conv_bn(f'{name}.conv', middle, in_channels, 3, counter=False)
            self.conv(f'{name}.conv_out', out, middle, 1)


def authors_file(path, variant='stdc1', classes=19, **extra):
    layout = AuthorsLayout()
    layout.segmentation(variant, classes)
    torch.save({**layout.state, **extra}, path)
    return layout.state


def test_segmentation_file_lands_where_it_belongs(tmp_path):
    source = authors_file(tmp_path / 'model_maxmIOU50.pth')
    checkpoint = load_authors_segmentation(tmp_path / 'model_maxmIOU50.pth')
    assert checkpoint.config.variant == 'stdc1'
    assert checkpoint.labels == CITYSCAPES
    assert 'model_maxmIOU50.pth' in checkpoint.recipe['source']
    state = checkpoint.build().state_dict()  # nothing is missing, nothing is left over
    for theirs, ours in {
        'cp.backbone.features.0.conv.weight': 'backbone.stem.0.conv.weight',
        'cp.backbone.features.1.bn.running_var': 'backbone.stem.1.bn.running_var',
        'cp.backbone.features.3.conv_list.2.conv.weight': 'backbone.stage3.1.blocks.2.conv.weight',
        'cp.backbone.features.4.avd_layer.0.weight': 'backbone.stage4.0.downsample.conv.weight',
        'cp.backbone.features.6.avd_layer.1.bias': 'backbone.stage5.0.downsample.bn.bias',
        'cp.arm32.conv.conv.weight': 'context_path.arm32.conv.conv.weight',
        'cp.arm16.conv_atten.weight': 'context_path.arm16.gate.conv.weight',
        'cp.conv_head16.conv.weight': 'context_path.conv16.conv.weight',
        'cp.conv_avg.bn.running_mean': 'context_path.average.bn.running_mean',
        'ffm.conv1.weight': 'ffm.gate.0.weight',
        'ffm.conv2.weight': 'ffm.gate.2.weight',
        'conv_out.conv_out.weight': 'head.classify.weight',
        'conv_out16.conv_out.weight': 'aux8_head.classify.weight',
        'conv_out32.conv_out.weight': 'aux16_head.classify.weight',
        'conv_out_sp8.conv.conv.weight': 'detail_head.conv.conv.weight',
    }.items():
        assert torch.equal(state[ours], source[theirs]), theirs


def test_gamma_is_absolute_in_the_decoder_only(tmp_path):
    source = authors_file(tmp_path / 'a.pth')
    state = load_authors_segmentation(tmp_path / 'a.pth').state
    for theirs, ours in {
        'cp.arm16.bn_atten.weight': 'context_path.arm16.gate.bn.weight',
        'cp.conv_head32.bn.weight': 'context_path.conv32.bn.weight',
        'conv_out.conv.bn.weight': 'head.conv.bn.weight',
    }.items():
        assert (source[theirs] < 0).any()
        assert torch.equal(state[ours], source[theirs].abs() + 1e-5)
    backbone = 'cp.backbone.features.2.conv_list.0.bn.weight'
    assert torch.equal(state['backbone.stage3.0.blocks.0.bn.weight'], source[backbone])


def test_what_has_no_place_is_listed(tmp_path):
    authors_file(tmp_path / 'a.pth')
    skipped = load_authors_segmentation(tmp_path / 'a.pth').skipped
    modules = {name.removeprefix('cp.backbone.').split('.')[0] for name in skipped}
    heads = {'conv_out_sp2', 'conv_out_sp4', 'conv_out_sp16'}
    assert modules == {'conv_last', 'fc', 'bn', 'linear'} | heads


def test_data_parallel_prefix_and_stdc2_are_understood(tmp_path):
    layout = AuthorsLayout()
    layout.segmentation('stdc2', 11)
    torch.save({f'module.{name}': tensor for name, tensor in layout.state.items()}, tmp_path / 'a')
    checkpoint = load_authors_segmentation(tmp_path / 'a')
    assert checkpoint.config.variant == 'stdc2'
    assert checkpoint.labels == CAMVID
    checkpoint.build()


@pytest.mark.parametrize(('variant', 'factory'), [('stdc1', stdc1), ('stdc2', stdc2)])
def test_backbone_file_loads_into_the_classifier(tmp_path, variant, factory):
    layout = AuthorsLayout()
    layout.backbone(variant)
    torch.save({'state_dict': layout.state, 'epoch': 300}, tmp_path / 'backbone.tar')
    found, state = load_authors_classifier(tmp_path / 'backbone.tar')
    assert found == variant
    network = STDCClassifier(factory())
    network.load_state_dict(state)
    assert torch.equal(network.fc2.weight, layout.state['linear.weight'])
    assert torch.equal(
        network.backbone.stage3[0].downsample.bn.running_var,
        layout.state['features.2.avd_layer.1.running_var'],
    )


def test_other_class_counts_need_a_label_set(tmp_path):
    authors_file(tmp_path / 'a.pth', classes=5)
    with pytest.raises(CheckpointError, match='has 5 classes: name their label set'):
        load_authors_segmentation(tmp_path / 'a.pth')
    with pytest.raises(CheckpointError, match="5 classes, label set 'camvid11' has 11"):
        load_authors_segmentation(tmp_path / 'a.pth', CAMVID)


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ('foreign code was run',))


def test_pickled_code_is_never_run(tmp_path):
    torch.save({'conv_out.conv_out.weight': Bomb()}, tmp_path / 'bomb.pth')
    with pytest.raises(CheckpointError, match=r'bomb\.pth is refused'):
        load_authors_segmentation(tmp_path / 'bomb.pth')
    (tmp_path / 'raw.pth').write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(CheckpointError, match=r'raw\.pth is refused'):
        load_authors_segmentation(tmp_path / 'raw.pth')


def test_what_is_no_such_file_is_refused_by_name(tmp_path):
    with pytest.raises(CheckpointError, match=r'cannot read checkpoint .*gone'):
        load_authors_segmentation(tmp_path / 'gone.pth')
    authors_file(tmp_path / 'whole.pth')
    content = (tmp_path / 'whole.pth').read_bytes()
    for name, part in {'cut': content[: len(content) // 2], 'empty': b'', 'text': b'hi'}.items():
        (tmp_path / name).write_bytes(part)
        with pytest.raises(CheckpointError, match=name):
            load_authors_segmentation(tmp_path / name)
    torch.save([1, 2], tmp_path / 'list')
    with pytest.raises(CheckpointError, match='holds no state dict'):
        load_authors_segmentation(tmp_path / 'list')
    torch.save({'a': torch.zeros(1)}, tmp_path / 'other')
    with pytest.raises(CheckpointError, match='no segmentation file'):
        load_authors_segmentation(tmp_path / 'other')
    with pytest.raises(CheckpointError, match='expected 8'):
        load_authors_classifier(tmp_path / 'other')
