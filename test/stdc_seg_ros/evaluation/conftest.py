"""A short drive as a bag, with labels for most frames."""

import numpy as np
import pytest

from stdc_seg_ros.bag.bag_writer import BagConfig, LabeledImage, write_bag

CONFIG = BagConfig(rate_hz=10)
SIZE = (72, 96)


def make_frames(count=6, size=SIZE, classes=11):
    """All but the third have labels, 255 among them."""
    rng = np.random.default_rng(1)
    frames = []
    for number in range(count):
        labels = rng.integers(0, classes, size, dtype=np.uint8)
        labels[:4] = 255
        image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        frames.append(LabeledImage(image, None if number == 2 else labels))
    return frames


@pytest.fixture
def frames():
    return make_frames()


@pytest.fixture
def make_bag(tmp_path):
    def make(frames, name='bag', config=CONFIG):
        return write_bag(tmp_path / name, frames, config).path

    return make


@pytest.fixture
def bag(make_bag, frames):
    return make_bag(frames)
