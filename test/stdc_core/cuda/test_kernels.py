"""The kernels' source, compiled as C++, against the CPU path: what a GPU should compute.

What no test here runs: the PTX on a GPU.
"""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stdc_core.cuda.tables import frame_tables
from stdc_core.engines import torch_frame
from stdc_core.geometry import PADDING_RGB, FrameGeometry, Size
from stdc_core.model_file import logit_grid
from stdc_core.upsample import (
    sigmoid,
    softmax_maximum,
    upsample_labels,
    upsample_labels_numpy,
    upsample_map,
)

PADDING = PADDING_RGB[0] << 16 | PADDING_RGB[1] << 8 | PADDING_RGB[2]
sizes = st.builds(Size, st.integers(1, 90), st.integers(1, 90))


def smooth_logits(classes: int, grid: Size, seed: int = 0) -> np.ndarray:
    """Large regions with curved borders, as a trained network gives."""
    coarse = np.random.default_rng(seed).normal(size=(4, 6, classes)).astype(np.float32)
    fine = cv2.resize(coarse, grid[::-1], interpolation=cv2.INTER_CUBIC).reshape(*grid, classes)
    return np.ascontiguousarray(4 * fine.transpose(2, 0, 1))


def resized_by_kernel(twin, frame, geometry, color_order):
    """Of rows as they lie in memory, padding between them included."""
    network, content = geometry.network, geometry.content
    sampling = geometry.sampling(logit_grid(network), True)
    tables = frame_tables(geometry, sampling)
    image = np.full((*network, 3), 7, np.uint8)
    twin(
        'resize_frame', network, frame, frame.strides[0], tables.resize_rows,
        tables.resize_columns, image, *network, *content, color_order == 'bgr', PADDING,
    )  # fmt: skip
    return image


def winners_and_count(twin, logits):
    """Run the kernel as if 5 values without an order had been counted before."""
    classes, *grid = logits.shape
    winners, count = np.full(grid, 77, np.uint8), np.full(1, 5, np.uint32)
    twin('find_winners', (winners.size,), logits, classes, winners.size, winners, count)
    return winners, count[0] - 5


def labels_by_kernels(twin, logits, geometry, align_corners):
    grid = Size(*logits.shape[1:])
    tables = frame_tables(geometry, geometry.sampling(grid, align_corners))
    labels = np.full(geometry.frame, 99, np.uint8)
    winners, not_finite = winners_and_count(twin, logits)
    assert not_finite == 0
    twin(
        'upsample_labels', geometry.frame, logits, winners, len(logits), *grid, tables.rows,
        tables.columns, labels, *geometry.frame,
    )  # fmt: skip
    return labels


def map_by_kernel(twin, values, geometry, align_corners):
    grid = Size(*values.shape)
    tables = frame_tables(geometry, geometry.sampling(grid, align_corners))
    out = np.full(geometry.frame, 99, np.uint8)
    twin(
        'upsample_map', geometry.frame, values, grid.width, tables.rows, tables.columns, out,
        *geometry.frame,
    )  # fmt: skip
    return out


@settings(deadline=None, max_examples=100)
@given(
    frame_size=sizes,
    network=sizes,
    mode=st.sampled_from(['stretch', 'letterbox']),
    color_order=st.sampled_from(['bgr', 'rgb']),
    row_padding=st.integers(0, 7),
    seed=st.integers(0, 2**32 - 1),
)
def test_resize_is_opencvs_to_the_bit(
    kernel_twin, frame_size, network, mode, color_order, row_padding, seed
):
    height, width = frame_size
    memory = np.random.default_rng(seed).integers(
        0, 256, (height, 3 * width + row_padding), dtype=np.uint8
    )
    frame = np.lib.stride_tricks.as_strided(
        memory, (height, width, 3), (memory.strides[0], 3, 1), writeable=False
    )
    geometry = FrameGeometry(frame_size, network, mode)
    expected = np.empty((*network, 3), np.uint8)
    geometry.resize(frame, expected, color_order)
    found = resized_by_kernel(kernel_twin, frame, geometry, color_order)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize('frame_size', [(720, 1280), (1024, 2048), (361, 481), (512, 1024)])
def test_resize_of_camera_sizes_is_opencvs_to_the_bit(kernel_twin, frame_size):
    frame = np.random.default_rng(0).integers(0, 256, (*frame_size, 3), dtype=np.uint8)
    geometry = FrameGeometry(Size(*frame_size), Size(512, 1024), 'letterbox')
    expected = np.empty((512, 1024, 3), np.uint8)
    geometry.resize(frame, expected, 'bgr')
    np.testing.assert_array_equal(resized_by_kernel(kernel_twin, frame, geometry, 'bgr'), expected)


@settings(deadline=None, max_examples=100)
@given(
    frame_size=sizes,
    network=sizes,
    classes=st.integers(1, 20),
    mode=st.sampled_from(['stretch', 'letterbox']),
    align_corners=st.booleans(),
    kind=st.sampled_from(['smooth', 'noise', 'ties']),
    seed=st.integers(0, 2**32 - 1),
)
def test_labels_are_the_cpus_to_the_bit(
    kernel_twin, frame_size, network, classes, mode, align_corners, kind, seed
):
    grid = logit_grid(network)
    logits = smooth_logits(classes, grid, seed)
    if kind != 'smooth':
        logits = np.random.default_rng(seed).normal(scale=3, size=logits.shape)
        logits = (np.round(logits) if kind == 'ties' else logits).astype(np.float32)
    geometry = FrameGeometry(frame_size, network, mode)
    sampling = geometry.sampling(grid, align_corners)
    labels = labels_by_kernels(kernel_twin, logits, geometry, align_corners)
    np.testing.assert_array_equal(labels, upsample_labels(logits, sampling))
    plain = upsample_labels_numpy(logits, sampling, np.empty(frame_size, np.uint8))
    np.testing.assert_array_equal(labels, plain)


@pytest.mark.parametrize('align_corners', [True, False])
@pytest.mark.parametrize('kind', ['smooth', 'noise'])
def test_labels_of_a_camera_are_the_cpus_to_the_bit(kernel_twin, align_corners, kind):
    geometry = FrameGeometry(Size(719, 1277), Size(512, 1024), 'letterbox')
    logits = smooth_logits(19, Size(64, 128))
    if kind == 'noise':
        logits = np.random.default_rng(0).normal(size=logits.shape).astype(np.float32)
    expected = upsample_labels(logits, geometry.sampling(Size(64, 128), align_corners))
    labels = labels_by_kernels(kernel_twin, logits, geometry, align_corners)
    np.testing.assert_array_equal(labels, expected)


@settings(deadline=None, max_examples=50)
@given(
    frame_size=sizes,
    network=sizes,
    align_corners=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_maps_are_the_cpus_to_the_bit(kernel_twin, frame_size, network, align_corners, seed):
    values = np.random.default_rng(seed).uniform(size=logit_grid(network)).astype(np.float32)
    geometry = FrameGeometry(frame_size, network, 'stretch')
    expected = upsample_map(values, geometry.sampling(logit_grid(network), align_corners))
    found = map_by_kernel(kernel_twin, values, geometry, align_corners)
    np.testing.assert_array_equal(found, expected)


def test_confidence_and_detail_are_the_cpus_within_one_step(kernel_twin):
    """The exponential function is another one: of this C library, of NumPy, of the GPU."""
    logits = np.random.default_rng(0).normal(scale=20, size=(19, 13, 17)).astype(np.float32)
    logits[0, 0, 0] = 1e4
    count = logits[0].size
    geometry = FrameGeometry(Size(97, 131), Size(104, 136), 'stretch')
    sampling = geometry.sampling(Size(13, 17), True)
    probability = np.full((13, 17), np.nan, np.float32)

    kernel_twin('softmax_maximum', (count,), logits, 19, count, probability)
    np.testing.assert_allclose(probability, softmax_maximum(logits), rtol=1e-5)
    expected = upsample_map(softmax_maximum(logits), sampling).astype(int)
    found = map_by_kernel(kernel_twin, probability, geometry, True)
    assert np.abs(found - expected).max() <= 1

    not_finite = np.zeros(1, np.uint32)
    kernel_twin('sigmoid', (count,), logits[0], count, probability, not_finite)
    assert not_finite[0] == 0
    np.testing.assert_allclose(probability, sigmoid(logits[0]), atol=1e-6)
    expected = upsample_map(sigmoid(logits[0]), sampling).astype(int)
    found = map_by_kernel(kernel_twin, probability, geometry, True)
    assert np.abs(found - expected).max() <= 1


@settings(deadline=None, max_examples=50)
@given(
    shape=st.tuples(st.integers(1, 20), st.integers(1, 30), st.integers(1, 30)),
    share=st.sampled_from([0, 0.01, 0.5, 1]),
    seed=st.integers(0, 2**32 - 1),
)
def test_values_without_an_order_are_counted(kernel_twin, shape, share, seed):
    rng = np.random.default_rng(seed)
    largest = np.finfo(np.float32).max
    logits = rng.choice(np.array([0, 1e-45, -1, largest, -largest], np.float32), shape)
    unordered = rng.choice(np.array([np.nan, -np.nan, np.inf, -np.inf], np.float32), shape)
    logits = np.where(rng.uniform(size=shape) < share, unordered, logits)
    expected = np.count_nonzero(~np.isfinite(logits))
    assert winners_and_count(kernel_twin, logits)[1] == expected
    assert torch_frame.count_not_finite(torch.from_numpy(logits)) == expected

    probability, count = np.empty(logits.size, np.float32), np.full(1, 5, np.uint32)
    kernel_twin('sigmoid', (logits.size,), logits, logits.size, probability, count)
    assert count[0] - 5 == expected
