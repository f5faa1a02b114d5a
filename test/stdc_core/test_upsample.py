"""The tail against torch and against dense interpolation in float64."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from stdc_core import upsample, upsample_numba
from stdc_core.geometry import FrameGeometry, GridSampling, Size
from stdc_core.model_file import logit_grid
from stdc_core.upsample import (
    mixed_share,
    sigmoid,
    softmax_maximum,
    upsample_labels,
    upsample_map,
)


@pytest.fixture(params=['numba', 'numpy'], autouse=True)
def tail(request, monkeypatch):
    """Every test of this file runs on the compiled and on the plain path."""
    monkeypatch.setattr(upsample, 'TAIL', request.param)
    return request.param


def dense(values: np.ndarray, sampling: GridSampling) -> np.ndarray:
    """Interpolate (C, h, w) at every pixel in float64."""
    _, rows, columns = sampling
    wy = rows.upper_weight.astype(np.float64)[:, None]
    wx = columns.upper_weight.astype(np.float64)
    lines = (1 - wy) * values[:, rows.lower] + wy * values[:, rows.upper]
    return (1 - wx) * lines[..., columns.lower] + wx * lines[..., columns.upper]


def smooth_logits(classes: int, grid: Size, seed: int = 0) -> np.ndarray:
    """Large regions with curved borders, as a trained network gives."""
    coarse = np.random.default_rng(seed).normal(size=(4, 6, classes)).astype(np.float32)
    fine = cv2.resize(coarse, grid[::-1], interpolation=cv2.INTER_CUBIC).reshape(*grid, classes)
    return np.ascontiguousarray(4 * fine.transpose(2, 0, 1))


def assert_torchs_labels(labels: np.ndarray, logits: np.ndarray, align_corners: bool) -> None:
    """Equal to torch's in float64, but for pixels whose two best classes tie in float32."""
    full = functional.interpolate(
        torch.from_numpy(logits)[None].double(),
        labels.shape,
        mode='bilinear',
        align_corners=align_corners,
    )[0]
    best = full.topk(2, dim=0)
    different = labels != best.indices[0].numpy()
    margin = (best.values[0] - best.values[1]).numpy()
    assert margin[different].max(initial=0) <= 1e-6
    assert different.mean() <= 1e-5


@pytest.mark.parametrize('align_corners', [True, False])
@pytest.mark.parametrize('size', [Size(512, 1024), Size(360, 480), Size(65, 131)])
@pytest.mark.parametrize('kind', ['smooth', 'noise'])
def test_labels_equal_torchs(size, align_corners, kind):
    grid = logit_grid(size)
    logits = smooth_logits(19, grid)
    if kind == 'noise':
        logits = np.random.default_rng(0).normal(size=logits.shape).astype(np.float32)
    sampling = FrameGeometry(size, size, 'stretch').sampling(grid, align_corners)
    assert_torchs_labels(upsample_labels(logits, sampling), logits, align_corners)


def test_labels_at_the_cameras_size_equal_torchs_in_one_step():
    """Without align_corners the way back through the resize is one interpolation of torch's."""
    logits = smooth_logits(19, Size(64, 128))
    geometry = FrameGeometry(Size(720, 1280), Size(512, 1024), 'stretch')
    labels = upsample_labels(logits, geometry.sampling(Size(64, 128), False))
    assert_torchs_labels(labels, logits, align_corners=False)


def test_with_ties_at_most_one_pixel_in_100000_differs():
    size = Size(512, 1024)
    logits = smooth_logits(19, logit_grid(size))
    logits = np.round(4 * logits) / 4  # equal logits at many pixels
    sampling = FrameGeometry(size, size, 'stretch').sampling(logit_grid(size), True)
    full = functional.interpolate(
        torch.from_numpy(logits)[None], size, mode='bilinear', align_corners=True
    )
    assert (full.topk(2, dim=1).values.diff(dim=1) == 0).any()
    expected = full.argmax(dim=1)[0].numpy()
    assert np.mean(upsample_labels(logits, sampling) != expected) <= 1e-5


@settings(deadline=None, max_examples=200)
@given(
    frame=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    network=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    classes=st.integers(1, 9),
    mode=st.sampled_from(['stretch', 'letterbox']),
    align_corners=st.booleans(),
    ties=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_labels_win_in_float64(frame, network, classes, mode, align_corners, ties, seed):
    """Any frame, any network size: no class is higher than the chosen one beyond rounding."""
    grid = logit_grid(Size(*network))
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=3, size=(classes, *grid))
    logits = (np.round(logits) if ties else logits).astype(np.float32)
    sampling = FrameGeometry(Size(*frame), Size(*network), mode).sampling(grid, align_corners)

    labels = upsample_labels(logits, sampling)
    assert labels.shape == frame
    values = dense(logits, sampling)
    chosen = np.take_along_axis(values, labels[None].astype(np.intp), axis=0)[0]
    assert (values.max(axis=0) - chosen).max() <= 1e-5
    if not ties:
        second = np.sort(values, axis=0)[-2] if classes > 1 else np.full(frame, -np.inf)
        clear = values.max(axis=0) - second > 1e-5
        np.testing.assert_array_equal(labels[clear], values.argmax(axis=0)[clear])


@settings(deadline=None, max_examples=100)
@given(
    size=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    classes=st.integers(2, 9),
    align_corners=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_size_equals_torch(size, classes, align_corners, seed):
    grid = logit_grid(Size(*size))
    logits = np.random.default_rng(seed).normal(size=(classes, *grid)).astype(np.float32)
    sampling = FrameGeometry(Size(*size), Size(*size), 'stretch').sampling(grid, align_corners)
    full = functional.interpolate(
        torch.from_numpy(logits)[None].double(), size, mode='bilinear', align_corners=align_corners
    )[0]
    best = full.topk(2, dim=0)
    tie = (best.values[0] - best.values[1] <= 1e-6).numpy()
    different = upsample_labels(logits, sampling) != best.indices[0].numpy()
    assert not (different & ~tie).any()


@pytest.mark.parametrize(
    ('logits', 'out', 'message'),
    [
        (np.zeros((5, 2, 4), np.float32), None, r'expected float32 of \(\.\.\., 2, 3\)'),
        (np.zeros((5, 2, 3)), None, 'logits are float64'),
        (np.zeros((2, 3, 5), np.float32).transpose(2, 0, 1), None, 'have to be contiguous'),
        (None, np.zeros((20, 29), np.uint8), r'out is uint8 of shape \(20, 29\)'),
        (None, np.zeros((20, 30), np.int32), 'out is int32'),
        (None, np.zeros((20, 60), np.uint8)[:, ::2], 'have to be contiguous'),
    ],
)
def test_arrays_that_do_not_fit_are_refused(logits, out, message):
    """The compiled loops would read and write beyond their ends."""
    sampling = FrameGeometry(Size(20, 30), Size(16, 24), 'stretch').sampling(Size(2, 3), True)
    logits = np.zeros((5, 2, 3), np.float32) if logits is None else logits
    with pytest.raises(ValueError, match=message):
        upsample_labels(logits, sampling, out)


def test_both_paths_agree_to_the_bit(monkeypatch):
    logits = smooth_logits(19, Size(64, 128), seed=3)
    noise = np.random.default_rng(0).normal(size=logits.shape).astype(np.float32)
    sampling = FrameGeometry(Size(720, 1280), Size(512, 1024), 'letterbox').sampling(
        Size(64, 128), True
    )
    for values in (logits, noise):
        results = []
        for path in ('numba', 'numpy'):
            monkeypatch.setattr(upsample, 'TAIL', path)
            results.append(upsample_labels(values, sampling))
        np.testing.assert_array_equal(*results)


def test_equal_logits_everywhere_give_the_lowest_class():
    sampling = FrameGeometry(Size(20, 30), Size(16, 24), 'stretch').sampling(Size(2, 3), True)
    logits = np.zeros((5, 2, 3), np.float32)
    assert (upsample_labels(logits, sampling) == 0).all()


def test_of_equal_logits_the_lowest_class_wins_inside_a_mixed_cell_too():
    logits = np.array([[[4, -4], [4, -4]], [[-4, 4], [-4, 4]], [[-4, 4], [-4, 4]]], np.float32)
    sampling = FrameGeometry(Size(16, 16), Size(16, 16), 'stretch').sampling(Size(2, 2), True)
    assert set(upsample_labels(logits, sampling).ravel()) == {0, 1}


def test_the_path_is_the_one_that_is_named(tail, monkeypatch):
    called = []
    for name in ('labels_by_cell', 'map_by_cell'):
        monkeypatch.setattr(upsample_numba, name, lambda *_, name=name: called.append(name))
    sampling = FrameGeometry(Size(20, 30), Size(16, 24), 'stretch').sampling(Size(2, 3), True)
    upsample_labels(np.zeros((5, 2, 3), np.float32), sampling)
    upsample_map(np.zeros((2, 3), np.float32), sampling)
    assert called == (['labels_by_cell', 'map_by_cell'] if tail == 'numba' else [])


def test_maps_that_do_not_fit_are_refused():
    sampling = FrameGeometry(Size(20, 30), Size(16, 24), 'stretch').sampling(Size(2, 3), True)
    with pytest.raises(ValueError, match=r'expected float32 of \(\.\.\., 2, 3\)'):
        upsample_map(np.zeros((2, 4), np.float32), sampling)


def test_a_class_that_wins_at_no_corner_can_win_inside():
    logits = np.array([[[4, -4], [4, -4]], [[-4, 4], [-4, 4]], [[3, 3], [3, 3]]], np.float32)
    sampling = FrameGeometry(Size(16, 16), Size(16, 16), 'stretch').sampling(Size(2, 2), True)
    labels = upsample_labels(logits, sampling)
    assert set(labels[8]) == {0, 1, 2}


def test_labels_are_written_to_out_and_logits_are_kept():
    logits = smooth_logits(3, Size(2, 3))
    kept = logits.copy()
    sampling = FrameGeometry(Size(20, 30), Size(16, 24), 'stretch').sampling(Size(2, 3), True)
    out = np.full((20, 30), 99, np.uint8)
    assert upsample_labels(logits, sampling, out) is out
    assert out.max() < 3
    np.testing.assert_array_equal(logits, kept)


@given(
    frame=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    network=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    align_corners=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None)
def test_maps_are_interpolated_to_half_a_step(frame, network, align_corners, seed):
    grid = logit_grid(Size(*network))
    values = np.random.default_rng(seed).uniform(size=grid).astype(np.float32)
    sampling = FrameGeometry(Size(*frame), Size(*network), 'stretch').sampling(grid, align_corners)
    expected = 255 * dense(values[None], sampling)[0]
    assert np.abs(upsample_map(values, sampling) - expected).max() <= 0.5 + 1e-3


def test_maps_reach_both_ends():
    sampling = FrameGeometry(Size(9, 9), Size(16, 16), 'stretch').sampling(Size(2, 2), True)
    assert (upsample_map(np.ones((2, 2), np.float32), sampling) == 255).all()
    assert (upsample_map(np.zeros((2, 2), np.float32), sampling) == 0).all()


def test_softmax_and_sigmoid_equal_torchs_without_overflow():
    logits = np.random.default_rng(0).normal(scale=50, size=(7, 5, 4)).astype(np.float32)
    logits[0, 0, 0] = 1e4
    expected = torch.from_numpy(logits).softmax(dim=0).amax(dim=0)
    np.testing.assert_allclose(softmax_maximum(logits), expected, rtol=1e-5)
    np.testing.assert_allclose(sigmoid(logits), torch.from_numpy(logits).sigmoid(), atol=1e-6)


def test_confidence_is_close_to_the_softmax_of_upsampled_logits():
    """It is interpolated between the logits; docs/model_file.md has figures of a real network."""
    size = Size(512, 1024)
    logits = smooth_logits(19, logit_grid(size))
    sampling = FrameGeometry(size, size, 'stretch').sampling(logit_grid(size), True)
    exact = torch.from_numpy(dense(logits, sampling)).softmax(dim=0).amax(dim=0).numpy()
    off = upsample_map(softmax_maximum(logits), sampling) / 255 - exact
    assert np.abs(off).mean() < 0.01
    assert np.abs(off).max() < 0.5


def test_mixed_share_counts_cells_with_corners_of_two_classes():
    logits = np.zeros((2, 3, 4), np.float32)
    logits[1, :, 3] = 1  # the last column wins for class 1
    assert mixed_share(logits) == pytest.approx(1 / 3)
    assert mixed_share(np.zeros((2, 1, 1), np.float32)) == 0
    assert mixed_share(np.array([[[0]], [[1]]], np.float32)) == 0


WITHOUT_CACHE = """
import numpy as np
from stdc_core import upsample, upsample_numba
from stdc_core.geometry import FrameGeometry, Size
assert upsample.TAIL == 'numba'
sampling = FrameGeometry(Size(20, 30), Size(16, 24), 'stretch').sampling(Size(2, 3), True)
assert (upsample.upsample_map(np.ones((2, 3), np.float32), sampling) == 255).all()
assert upsample_numba.map_by_cell.targetoptions['nogil']
"""


def test_compiled_path_works_where_no_cache_can_be_written(tmp_path):
    nowhere = tmp_path / 'file'
    nowhere.write_text('')
    environment = {**os.environ, 'NUMBA_CACHE_DIR': str(nowhere / 'cache')}
    subprocess.run([sys.executable, '-c', WITHOUT_CACHE], env=environment, check=True)


def test_without_numba_the_plain_path_is_named():
    code = 'import sys; sys.modules["numba"] = None; from stdc_core import upsample as u; '
    subprocess.run([sys.executable, '-c', code + 'assert u.TAIL == "numpy"'], check=True)


def test_compiled_loops_let_other_threads_run_and_are_kept_for_the_next_start():
    for loop in (upsample_numba.labels_by_cell, upsample_numba.map_by_cell):
        assert loop.targetoptions['nogil']
        assert type(loop._cache).__name__ == 'FunctionCache'
