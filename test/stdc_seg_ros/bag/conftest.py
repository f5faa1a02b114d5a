import numpy as np
import pytest

from stdc_seg_ros.bag.bag_writer import LabeledImage


@pytest.fixture
def drive() -> list[LabeledImage]:
    """Seven pictures of noise, every second one with labels."""
    rng = np.random.default_rng(0)
    return [
        LabeledImage(
            rng.integers(0, 256, (31, 45, 3), dtype=np.uint8),
            rng.integers(0, 256, (31, 45), dtype=np.uint8) if index % 2 else None,
        )
        for index in range(7)
    ]
