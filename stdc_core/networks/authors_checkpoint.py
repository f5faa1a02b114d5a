"""Reading the checkpoint files of the authors' code (MichaelFan01/STDC-Seg).

A backbone file is a pickled dict with a ``state_dict`` in which every tensor stands twice, as
``features.*`` and as ``x2.* .. x32.*``. A segmentation file is a plain state dict. Its decoder was
trained with InPlaceABN, whose scale is ``|weight| + 1e-5``.
"""

import hashlib
import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from stdc_core.labels import CAMVID, CITYSCAPES, LabelSet
from stdc_core.networks.checkpoint import Checkpoint, CheckpointError
from stdc_core.networks.stdc_seg import STDCSegConfig, Variant

INPLACE_ABN_EPSILON = 1e-5
SEGMENTATION_MARK = 'conv_out.conv_out.weight'  # only a segmentation file has it
DEPTHS: dict[Variant, tuple[int, int, int]] = {'stdc1': (2, 2, 2), 'stdc2': (4, 5, 3)}

# The authors' module names -> ours; the first pattern that matches a name decides.
_DECODER = (
    (r'cp\.arm(16|32)\.conv\.(.*)', r'context_path.arm\1.conv.\2'),
    (r'cp\.arm(16|32)\.conv_atten\.(.*)', r'context_path.arm\1.gate.conv.\2'),
    (r'cp\.arm(16|32)\.bn_atten\.(.*)', r'context_path.arm\1.gate.bn.\2'),
    (r'cp\.conv_head(16|32)\.(.*)', r'context_path.conv\1.\2'),
    (r'cp\.conv_avg\.(.*)', r'context_path.average.\1'),
    (r'ffm\.convblk\.(.*)', r'ffm.conv.\1'),
    (r'ffm\.conv1\.(.*)', r'ffm.gate.0.\1'),
    (r'ffm\.conv2\.(.*)', r'ffm.gate.2.\1'),
    (r'conv_out\.conv\.(.*)', r'head.conv.\1'),
    (r'conv_out\.conv_out\.(.*)', r'head.classify.\1'),
    # Named by the context path's level that comes out, not by the stage that goes in.
    (r'conv_out16\.conv\.(.*)', r'aux8_head.conv.\1'),
    (r'conv_out16\.conv_out\.(.*)', r'aux8_head.classify.\1'),
    (r'conv_out32\.conv\.(.*)', r'aux16_head.conv.\1'),
    (r'conv_out32\.conv_out\.(.*)', r'aux16_head.classify.\1'),
    (r'conv_out_sp8\.conv\.(.*)', r'detail_head.conv.\1'),
    (r'conv_out_sp8\.conv_out\.(.*)', r'detail_head.classify.\1'),
)
_CLASSIFIER = (
    (r'conv_last\.(.*)', r'conv6.\1'),
    (r'fc\.(.*)', r'fc1.\1'),
    (r'linear\.(.*)', r'fc2.\1'),
)
_TWICE = re.compile(r'(cp\.backbone\.)?x(2|4|8|16|32)\.')


def load_authors_segmentation(path: str | Path, labels: LabelSet | None = None) -> Checkpoint:
    """Read a segmentation file (``model_maxmIOU*.pth``).

    :param labels: of its classes; Cityscapes is taken for 19 and CamVid for 11 classes.
    :return: what the file held without a place in :class:`STDCSeg` stands in ``skipped``.
    :raises CheckpointError: the file is none, or its classes have no known label set.
    """
    variant, state, skipped = _read_segmentation(path, _load_tensors(path))
    num_classes = state['head.classify.weight'].shape[0]
    if labels is None:
        known = {len(CITYSCAPES): CITYSCAPES, len(CAMVID): CAMVID}
        if num_classes not in known:
            raise CheckpointError(f'{path} has {num_classes} classes: name their label set')
        labels = known[num_classes]
    if len(labels) != num_classes:
        raise CheckpointError(
            f"{path} has {num_classes} classes, label set '{labels.name}' has {len(labels)}"
        )
    return Checkpoint(
        config=STDCSegConfig(variant, num_classes),
        labels=labels,
        state=state,
        recipe={'source': f"the authors' file {Path(path).name}"},
        sha256=hashlib.sha256(Path(path).read_bytes()).hexdigest(),
        skipped=tuple(skipped),
    )


def load_authors_weights(path: str | Path) -> dict[str, Tensor]:
    """Read either kind of file, under the names of :class:`STDCSeg` or :class:`STDCClassifier`.

    :raises CheckpointError: the file is neither.
    """
    source = _load_tensors(path)
    if SEGMENTATION_MARK in source:
        return _read_segmentation(path, source)[1]
    return load_authors_classifier(path)[1]


def load_authors_classifier(path: str | Path) -> tuple[Variant, dict[str, Tensor]]:
    """Read a backbone file (``STDCNet813M_73.91.tar``).

    :return: variant, and weights under the names of :class:`STDCClassifier`. Its ``backbone.*``
        are what segmentation starts from. The authors' unused batch norm is left out.
    :raises CheckpointError: the file is none.
    """
    source = _load_tensors(path)
    variant = _find_variant(path, source, 'features.')
    state = {}
    for name, tensor in source.items():
        if name.startswith('features.'):
            state['backbone.' + _rename_features(name, variant)] = tensor
        elif new_name := _rename(name, _CLASSIFIER):
            state[new_name] = tensor
    return variant, state


def _read_segmentation(
    path: str | Path, source: Mapping[str, Tensor]
) -> tuple[Variant, dict[str, Tensor], list[str]]:
    """Rename the tensors of a segmentation file; also name those that have no place."""
    if SEGMENTATION_MARK not in source:
        raise CheckpointError(f"{path} has no '{SEGMENTATION_MARK}': no segmentation file")
    variant = _find_variant(path, source, 'cp.backbone.features.')
    state, skipped = {}, []
    for name, tensor in source.items():
        if _TWICE.match(name):
            continue
        if name.startswith('cp.backbone.features.'):
            new_name: str | None = 'backbone.' + _rename_features(
                name.removeprefix('cp.backbone.'), variant
            )
        else:
            new_name = _rename(name, _DECODER)
            if re.search(r'(\.bn|bn_atten)\.weight$', name):
                tensor = tensor.abs() + INPLACE_ABN_EPSILON
        if new_name is None:
            skipped.append(name)
        else:
            state[new_name] = tensor
    for name in list(state):  # InPlaceABN has no counter of batches
        if name.endswith('running_mean'):
            counter = name.replace('running_mean', 'num_batches_tracked')
            state.setdefault(counter, torch.tensor(0))
    return variant, state, skipped


def _load_tensors(path: str | Path) -> dict[str, Tensor]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # what matters comes as an error, in one line
            content = torch.load(path, map_location='cpu', weights_only=True)
    except OSError as error:
        raise CheckpointError(f'cannot read checkpoint {path}: {error.strerror}') from error
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f'{path} is refused: it is no torch file, or holds more than tensors and plain data, '
            'which could run code on loading'
        ) from error
    except Exception as error:  # broken bytes lead torch's unpickler to errors of any type
        raise CheckpointError(f'{path} is not a whole torch file') from error
    if isinstance(content, Mapping) and isinstance(content.get('state_dict'), Mapping):
        content = content['state_dict']
    if not isinstance(content, Mapping) or not all(
        isinstance(tensor, Tensor) for tensor in content.values()
    ):
        raise CheckpointError(f'{path} holds no state dict')
    return {str(name).removeprefix('module.'): tensor for name, tensor in content.items()}


def _find_variant(path: str | Path, source: Mapping[str, Tensor], prefix: str) -> Variant:
    numbers = {
        int(name.removeprefix(prefix).split('.')[0]) for name in source if name.startswith(prefix)
    }
    for variant, depths in DEPTHS.items():
        if numbers == set(range(2 + sum(depths))):
            return variant
    raise CheckpointError(
        f"{path} has {len(numbers)} modules '{prefix}*', expected 8 (STDC1) or 14 (STDC2)"
    )


def _rename_features(name: str, variant: Variant) -> str:
    """``features.3.conv_list.0.*`` -> ``stage3.1.blocks.0.*``."""
    _, number, rest = name.split('.', 2)
    index = int(number)
    if index < 2:
        return f'stem.{index}.{rest}'
    index -= 2
    stage = 3
    for depth in DEPTHS[variant]:
        if index < depth:
            break
        index -= depth
        stage += 1
    rest = rest.replace('conv_list.', 'blocks.')
    rest = rest.replace('avd_layer.0.', 'downsample.conv.').replace(
        'avd_layer.1.', 'downsample.bn.'
    )
    return f'stage{stage}.{index}.{rest}'


def _rename(name: str, patterns: tuple[tuple[str, str], ...]) -> str | None:
    for pattern, replacement in patterns:
        if match := re.fullmatch(pattern, name):
            return match.expand(replacement)
    return None
