"""The plain torch operations around the network against the CPU path, on the CPU."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stdc_core.cuda.tables import frame_tables
from stdc_core.engines import torch_frame
from stdc_core.geometry import FrameGeometry, Size
from stdc_core.model_file import logit_grid
from stdc_core.upsample import softmax_maximum, upsample_labels, upsample_map

sizes = st.builds(Size, st.integers(1, 60), st.integers(1, 60))
CPU = torch.device('cpu')


@settings(deadline=None, max_examples=60)
@given(
    frame_size=sizes,
    network=sizes,
    classes=st.integers(1, 9),
    mode=st.sampled_from(['stretch', 'letterbox']),
    color_order=st.sampled_from(['bgr', 'rgb']),
    align_corners=st.booleans(),
    ties=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_frame_labels_and_maps_are_the_cpus_to_the_bit(
    frame_size, network, classes, mode, color_order, align_corners, ties, seed
):
    rng = np.random.default_rng(seed)
    geometry = FrameGeometry(frame_size, network, mode)
    grid = logit_grid(network)
    sampling = geometry.sampling(grid, align_corners)
    axes = torch_frame.Axes.of(frame_tables(geometry, sampling), CPU)

    frame = rng.integers(0, 256, (*frame_size, 3), dtype=np.uint8)
    expected, image = np.empty((2, *network, 3), np.uint8)
    geometry.resize(frame, expected, color_order)
    torch_frame.resize_frame(
        torch.from_numpy(frame), geometry, axes, torch.from_numpy(image), color_order
    )
    np.testing.assert_array_equal(image, expected)

    logits = rng.normal(scale=3, size=(classes, *grid))
    logits = (np.round(logits) if ties else logits).astype(np.float32)
    labels = torch_frame.upsample_labels(torch.from_numpy(logits), axes)
    assert labels.dtype == torch.uint8
    np.testing.assert_array_equal(labels, upsample_labels(logits, sampling))

    values = rng.uniform(size=grid).astype(np.float32)
    found = torch_frame.upsample_map(torch.from_numpy(values), axes)
    np.testing.assert_array_equal(found, upsample_map(values, sampling))


def test_confidence_is_the_cpus():
    logits = np.random.default_rng(0).normal(scale=20, size=(19, 13, 17)).astype(np.float32)
    found = torch_frame.softmax_maximum(torch.from_numpy(logits))
    np.testing.assert_allclose(found, softmax_maximum(logits), rtol=1e-5)


@pytest.mark.parametrize('classes', [1, 255])
def test_equal_logits_give_the_lowest_class(classes):
    geometry = FrameGeometry(Size(20, 30), Size(16, 24), 'stretch')
    axes = torch_frame.Axes.of(frame_tables(geometry, geometry.sampling(Size(2, 3), True)), CPU)
    assert (torch_frame.upsample_labels(torch.zeros(classes, 2, 3), axes) == 0).all()
