"""The frame on which every engine proves itself before it is used."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class SelfCheck:
    """A frame of the model's default size and what the exported network makes of it.

    :param frame: uint8, RGB, shape (H, W, 3).
    :param labels: uint8, shape (H, W), by torch in fp32 and :mod:`stdc_core.upsample`.
    """

    frame: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def agreement(self, labels: NDArray[np.uint8]) -> float:
        """Share of pixels, 0..1, on which an engine's labels are the expected ones."""
        return float(np.mean(labels == self.labels))
