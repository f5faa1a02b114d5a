"""Detail ground truth against loops over pixels and against convolutions in float64."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from stdc_core.errors import InvalidArgumentError
from stdc_core.labels import UNLABELED
from stdc_core.losses import DetailAggregation

NEIGHBOURS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx]
AUTHORS_WEIGHTS = {1: 0.6, 2: 0.3, 4: 0.1}
SUBSETS = [(1,), (2,), (4,), (1, 2), (1, 4), (2, 4), (1, 2, 4)]

sizes = st.tuples(st.integers(1, 2), st.integers(1, 19), st.integers(1, 19))


def label_map(size, classes, unlabeled_share=0.0, seed=0, cell=1):
    """Noise in square cells; small cells make many edges, large ones regions."""
    generator = torch.Generator().manual_seed(seed)
    count, height, width = size
    coarse = (count, -(-height // cell), -(-width // cell))
    labels = torch.randint(0, classes, coarse, generator=generator)
    labels[torch.rand(coarse, generator=generator) < unlabeled_share] = UNLABELED
    labels = labels.repeat_interleave(cell, 1).repeat_interleave(cell, 2)
    return labels[:, :height, :width].contiguous()


def raw_id_laplacian(ids, y, x):
    """Zeros around the image."""
    inside = [
        ids[y + dy][x + dx]
        for dy, dx in NEIGHBOURS
        if 0 <= y + dy < len(ids) and 0 <= x + dx < len(ids[0])
    ]
    return 8.0 * ids[y][x] - sum(inside)


def class_laplacian(ids, y, x):
    """Take the greatest over the classes' one-hot maps, of the labeled neighbours there are."""
    if ids[y][x] == UNLABELED:
        return 0.0
    inside = [
        ids[y + dy][x + dx]
        for dy, dx in NEIGHBOURS
        if 0 <= y + dy < len(ids) and 0 <= x + dx < len(ids[0])
    ]
    labeled = [label for label in inside if label != UNLABELED]
    return max(
        float(len(labeled) * (ids[y][x] == label) - labeled.count(label))
        for label in {*labeled, ids[y][x]}
    )


def strided_edges(laplacian, ids, stride):
    """Binary map of one stride, upsampled with torch's nearest rule in float32."""
    height, width = len(ids), len(ids[0])
    rows, columns = range(0, height, stride), range(0, width, stride)
    small = torch.tensor([[float(laplacian(ids, y, x) > 0.1) for x in columns] for y in rows])
    return functional.interpolate(small[None, None], (height, width), mode='nearest')[0, 0]


def naive_target(laplacian, labels, strides):
    total = sum(AUTHORS_WEIGHTS[stride] for stride in strides)
    # Left as they are where they sum to 1, so that rounding keeps 0.1 on the threshold.
    weights = [AUTHORS_WEIGHTS[s] / (1 if len(strides) == 3 else total) for s in strides]
    maps = []
    for ids in labels.tolist():
        fused = sum(
            weight * strided_edges(laplacian, ids, stride).double()
            for weight, stride in zip(weights, strides, strict=True)
        )
        maps.append((fused > 0.1).float())
    return torch.stack(maps).unsqueeze(1)


@settings(deadline=None, max_examples=100)
@given(
    size=sizes,
    classes=st.integers(1, 19),
    unlabeled_share=st.sampled_from([0.0, 0.2, 1.0]),
    cell=st.integers(1, 6),
    strides=st.sampled_from(SUBSETS),
    seed=st.integers(0, 2**31),
)
@example((1, 1, 1), 1, 0.0, 1, (1, 2, 4), 0)
@example((1, 16, 16), 3, 1.0, 1, (1, 2, 4), 0)
@example((1, 3, 2), 3, 0.3, 1, (4,), 0)
def test_targets_are_the_loops(size, classes, unlabeled_share, cell, strides, seed):
    labels = label_map(size, classes, unlabeled_share, seed, cell)

    raw = DetailAggregation('raw_ids', strides)(labels)
    assert torch.equal(raw.target, naive_target(raw_id_laplacian, labels, strides))
    assert raw.valid.all()

    per_class = DetailAggregation('per_class', strides)(labels)
    labeled = (labels != UNLABELED).unsqueeze(1)
    expected = naive_target(class_laplacian, labels, strides) * labeled
    assert torch.equal(per_class.target, expected)
    assert torch.equal(per_class.valid, labeled)


@settings(deadline=None, max_examples=60)
@given(
    size=sizes,
    classes=st.integers(1, 19),
    unlabeled_share=st.sampled_from([0.0, 0.2]),
    cell=st.integers(1, 6),
    seed=st.integers(0, 2**31),
)
def test_edges_are_where_any_class_has_a_laplacian_above_zero(
    size, classes, unlabeled_share, cell, seed
):
    """The paper's convolution on a map a class; unlabeled and outside pixels leave the kernel."""
    labels = label_map(size, classes, unlabeled_share, seed, cell)
    labeled = labels != UNLABELED
    one_hot = torch.stack([labels == c for c in range(classes)], dim=1).double()
    kernel = torch.ones(1, 1, 3, 3, dtype=torch.double)
    neighbours = functional.conv2d(labeled[:, None].double(), kernel, padding=1)
    of_class = functional.conv2d(
        one_hot, kernel.expand(classes, 1, 3, 3), padding=1, groups=classes
    )
    laplacian = neighbours * one_hot - of_class
    expected = (laplacian.amax(dim=1, keepdim=True) > 0.1).float()
    assert torch.equal(DetailAggregation('per_class', (1,))(labels).target, expected)


@pytest.mark.parametrize('size', [(2, 72, 96), (1, 45, 61)])
def test_raw_ids_are_convolutions_with_the_authors_weights(size):
    labels = label_map(size, 19, 0.1, cell=7)
    ids = labels[:, None].double()
    kernel = -torch.ones(1, 1, 3, 3, dtype=torch.double)
    kernel[..., 1, 1] = 8
    maps = []
    for stride in (1, 2, 4):
        soft = functional.conv2d(ids, kernel, stride=stride, padding=1).clamp(min=0)
        full = functional.interpolate(soft, size[1:], mode='nearest')
        maps.append((full > 0.1).double())
    weights = torch.tensor([0.6, 0.3, 0.1], dtype=torch.double).view(1, 3, 1, 1)
    fused = functional.conv2d(torch.cat(maps, dim=1), weights)
    target, valid = DetailAggregation('raw_ids')(labels)
    assert torch.equal(target, (fused > 0.1).float())
    assert valid.all()


@pytest.mark.parametrize('variant', ['per_class', 'raw_ids'])
def test_beside_the_others_stride_4_changes_nothing(variant):
    """Its weight of 0.1 is not above the threshold of 0.1."""
    labels = label_map((2, 64, 64), 11, cell=5)
    all_three = DetailAggregation(variant, (1, 2, 4))(labels).target
    assert torch.equal(all_three, DetailAggregation(variant, (1, 2))(labels).target)
    assert not torch.equal(all_three, DetailAggregation(variant, (1,))(labels).target)


@pytest.mark.parametrize('strides', [(1,), (2,), (4,), (1, 2), (1, 4), (2, 4)])
def test_every_stride_of_fewer_than_three_has_a_say(strides):
    labels = label_map((2, 64, 64), 11, cell=5)
    union = torch.stack(
        [DetailAggregation('per_class', (stride,))(labels).target for stride in strides]
    ).amax(dim=0)
    assert torch.equal(DetailAggregation('per_class', strides)(labels).target, union)


@pytest.mark.parametrize('ids', [(3, 8), (8, 3), (0, 254)])
def test_both_sides_of_a_boundary_fire_whatever_their_ids(ids):
    labels = torch.tensor(ids).repeat_interleave(4).expand(1, 8, 8)
    target, _ = DetailAggregation('per_class', (1,))(labels)
    assert torch.equal(target[0, 0], torch.tensor([0.0, 0, 0, 1, 1, 0, 0, 0]).expand(8, 8))


def test_raw_ids_fire_on_the_higher_side_and_on_the_images_border():
    labels = torch.tensor((8, 3)).repeat_interleave(4).expand(1, 8, 8)
    target, _ = DetailAggregation('raw_ids', (1,))(labels)
    inside = torch.tensor([1.0, 0, 0, 1, 0, 0, 0, 1])
    assert torch.equal(target[0, 0, 1:-1], inside.expand(6, 8))
    assert target[0, 0, 0, 1] == target[0, 0, -1, 6] == 1


@settings(deadline=None, max_examples=40)
@given(
    size=sizes,
    unlabeled_share=st.sampled_from([0.0, 0.3]),
    strides=st.sampled_from(SUBSETS),
    seed=st.integers(0, 2**31),
    permutation=st.permutations(range(7)),
)
def test_class_ids_are_only_names(size, unlabeled_share, strides, seed, permutation):
    labels = label_map(size, 7, unlabeled_share, seed, cell=2)
    names = torch.full((256,), UNLABELED)
    names[:7] = torch.tensor(permutation)
    aggregation = DetailAggregation('per_class', strides)
    assert torch.equal(aggregation(labels).target, aggregation(names[labels]).target)


@settings(deadline=None, max_examples=40)
@given(size=sizes, label=st.integers(0, 254), seed=st.integers(0, 2**31))
def test_one_class_has_no_boundary_whatever_is_unlabeled(size, label, seed):
    labels = label_map(size, 1, 0.5, seed)
    labels[labels == 0] = label
    target, valid = DetailAggregation('per_class')(labels)
    assert not target.any()
    assert torch.equal(valid, (labels != UNLABELED).unsqueeze(1))


@settings(deadline=None, max_examples=40)
@given(size=sizes, strides=st.sampled_from(SUBSETS), seed=st.integers(0, 2**31))
def test_unlabeling_pixels_never_adds_a_boundary(size, strides, seed):
    labels = label_map(size, 3, 0.0, seed, cell=3)
    fewer = labels.clone()
    fewer[label_map(size, 1, 0.3, seed + 1) == UNLABELED] = UNLABELED
    aggregation = DetailAggregation('per_class', strides)
    assert (aggregation(fewer).target <= aggregation(labels).target).all()


@pytest.mark.parametrize('variant', ['per_class', 'raw_ids'])
def test_result_is_typed_and_fixed(variant):
    aggregation = DetailAggregation(variant)
    truth = aggregation(label_map((2, 9, 13), 5))
    assert truth.target.shape == truth.valid.shape == (2, 1, 9, 13)
    assert truth.target.dtype == torch.float32
    assert truth.valid.dtype == torch.bool
    assert not truth.target.requires_grad
    assert not aggregation.state_dict()


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('sobel',), r"unknown detail variant 'sobel' \(known: per_class, raw_ids\)"),
        (('per_class', ()), r'detail strides are \[\], expected at least one of \[1, 2, 4\]'),
        (('per_class', (1, 8)), r'detail strides are \[1, 8\]'),
        (('raw_ids', (2, 2)), r'detail strides are \[2, 2\].*none of them twice'),
    ],
)
def test_unknown_settings_are_refused(arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        DetailAggregation(*arguments)


def test_labels_with_channels_are_refused():
    with pytest.raises(InvalidArgumentError, match=r'shape \(2, 1, 4, 4\), expected \(N, H, W\)'):
        DetailAggregation()(torch.zeros(2, 1, 4, 4, dtype=torch.int64))
