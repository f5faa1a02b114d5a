"""What an engine on the CPU keeps of one size of frames, from one frame to the next."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stdc_core.geometry import FrameGeometry, GridSampling, Size
from stdc_core.model_file import ModelMetadata, logit_grid


class FrameBuffers(NamedTuple):
    """Way to the network's input and back, and the maps that come out."""

    geometry: FrameGeometry
    sampling: GridSampling
    labels: NDArray[np.uint8]
    confidence: NDArray[np.uint8]
    detail: NDArray[np.uint8]

    @classmethod
    def of(cls, frame: Size, network: Size, metadata: ModelMetadata) -> FrameBuffers:
        """Make them for frames and a network's input of these sizes."""
        geometry = FrameGeometry(frame, network, metadata.resize)
        sampling = geometry.sampling(logit_grid(network), metadata.align_corners)
        return cls(geometry, sampling, *(np.empty(frame, np.uint8) for _ in range(3)))
