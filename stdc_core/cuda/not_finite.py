"""How many logits of a frame are NaN or infinite: counted on the GPU, downloaded with the labels.

A buffer of labels begins with two counts, uint32: of the logits, and of the detail logits. So
nothing more is copied or waited for than without them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stdc_core.engines.base import not_finite
from stdc_core.geometry import Size

COUNTS = 8  # bytes of both
LABELS_AT = 256  # in bytes: the labels stay aligned as device memory is


def check_counts(backend: str, labels_buffer: NDArray[np.uint8], classes: int, grid: Size) -> None:
    """Refuse a frame with a logit that is not finite, as engines on the CPU do.

    :param labels_buffer: uint8, as it came from the GPU, shape (n,).
    :param classes: of the logits, shape (classes, *grid*).
    :raises EngineError: a count is not 0.
    """
    positions = grid.height * grid.width
    counts = labels_buffer[:COUNTS].view(np.uint32).tolist()
    for count, total in zip(counts, (classes * positions, positions), strict=True):
        if count:
            raise not_finite(backend, count, total)
