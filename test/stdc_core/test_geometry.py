import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stdc_core.geometry import PADDING_RGB, FrameGeometry, Rectangle, Size

sides = st.integers(1, 70)
sizes = st.builds(Size, sides, sides)


def test_stretch_fills_the_network_input():
    geometry = FrameGeometry(Size(720, 1280), Size(512, 1024), 'stretch')
    assert geometry.content == Rectangle(0, 0, 512, 1024)


def test_letterbox_keeps_the_aspect_ratio_in_the_middle():
    geometry = FrameGeometry(Size(720, 1280), Size(512, 1024), 'letterbox')
    assert geometry.content == Rectangle(0, 57, 512, 910)
    geometry = FrameGeometry(Size(100, 400), Size(512, 1024), 'letterbox')
    assert geometry.content == Rectangle(128, 0, 256, 1024)


@given(sizes, sizes, st.sampled_from(['stretch', 'letterbox']), st.sampled_from(['bgr', 'rgb']))
def test_resize_is_opencvs_between_padding(frame_size, network_size, mode, color_order):
    frame = np.random.default_rng(0).integers(0, 256, (*frame_size, 3), dtype=np.uint8)
    kept = frame.copy()
    out = np.full((*network_size, 3), 7, np.uint8)
    geometry = FrameGeometry(frame_size, network_size, mode)
    geometry.resize(frame, out, color_order)

    top, left, height, width = geometry.content
    expected = np.empty_like(out)
    expected[:] = PADDING_RGB
    resized = cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR)
    rgb = resized[..., ::-1] if color_order == 'bgr' else resized
    expected[top : top + height, left : left + width] = rgb
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(frame, kept)


def test_padding_is_about_zero_to_the_network():
    mean = np.array([0.485, 0.456, 0.406])  # of ImageNet, RGB, as torchvision has it
    assert tuple(np.round(255 * mean)) == PADDING_RGB


def test_sizes_are_said_height_first():
    assert str(Size(360, 480)) == '360x480'
    sampling = FrameGeometry(Size(20, 30), Size(16, 24), 'stretch').sampling(Size(2, 3), True)
    assert sampling.size == (20, 30)


def test_resize_takes_frames_of_any_strides():
    wide = np.random.default_rng(0).integers(0, 256, (20, 80, 3), dtype=np.uint8)
    geometry = FrameGeometry(Size(20, 40), Size(10, 30), 'stretch')
    for view in (wide[:, :40], wide[:, ::2], wide[::-1, :40]):
        out, expected = np.empty((2, 10, 30, 3), np.uint8)
        geometry.resize(view, out, 'bgr')
        geometry.resize(np.ascontiguousarray(view), expected, 'bgr')
        np.testing.assert_array_equal(out, expected)


@given(
    frame=sides,
    network=st.integers(8, 70),
    align_corners=st.booleans(),
    mode=st.sampled_from(['stretch', 'letterbox']),
    other=sides,
)
def test_sampling_is_the_definition_pixel_by_pixel(frame, network, align_corners, mode, other):
    """Camera pixel -> network pixel -> logit, in exact steps, one axis beside any other."""
    geometry = FrameGeometry(Size(frame, other), Size(network, 40), mode)
    grid = -(-network // 8)
    rows = geometry.sampling(Size(grid, 5), align_corners).rows
    content = geometry.content
    for pixel in range(frame):
        center = (pixel + 0.5) / frame * content.height + content.top  # cells, edges at integers
        if align_corners:
            logit = (center - 0.5) * (grid - 1) / (network - 1)
        else:
            logit = center / network * grid - 0.5
        logit = min(max(logit, 0.0), grid - 1.0)
        found = rows.lower[pixel] + float(rows.upper_weight[pixel])
        assert found == pytest.approx(logit, abs=1e-5)
        assert rows.lower_weight[pixel] + rows.upper_weight[pixel] == pytest.approx(1)
        assert 0 <= rows.upper_weight[pixel] <= 1
        assert rows.upper[pixel] == (rows.lower[pixel] + 1 if grid > 1 else 0) < grid


@given(sizes, st.integers(8, 70), st.booleans())
def test_starts_turn_the_sampling_round(frame_size, network, align_corners):
    geometry = FrameGeometry(frame_size, Size(network, network), 'letterbox')
    columns = geometry.sampling(Size(3, -(-network // 8)), align_corners).columns
    assert len(columns.starts) == max(-(-network // 8) - 1, 1) + 1
    for cell in range(len(columns.starts) - 1):
        inside = np.flatnonzero(columns.lower == cell)
        np.testing.assert_array_equal(
            inside, np.arange(columns.starts[cell], columns.starts[cell + 1])
        )


def test_unknown_words_are_refused():
    with pytest.raises(ValueError, match=r"unknown resize 'crop' \(known: stretch, letterbox\)"):
        FrameGeometry(Size(9, 9), Size(64, 64), 'crop')
    geometry = FrameGeometry(Size(9, 9), Size(64, 64), 'stretch')
    frame, out = np.zeros((9, 9, 3), np.uint8), np.zeros((64, 64, 3), np.uint8)
    with pytest.raises(ValueError, match=r"unknown color_order 'gbr' \(known: rgb, bgr\)"):
        geometry.resize(frame, out, 'gbr')
