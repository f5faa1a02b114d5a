"""What a camera message becomes, or why it does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stdc_core.errors import UserError
from stdc_core.labels import ColorOrder


class BadImageError(UserError, ValueError):
    """A message that contradicts itself or is cut off; the publisher has to be mended."""


class UnsupportedImageError(UserError, ValueError):
    """A message that may be right, in an encoding that is not known here."""


@dataclass(frozen=True)
class CameraFrame:
    """A camera's picture, as :meth:`stdc_core.engines.InferenceEngine.infer` takes it.

    :param pixels: uint8, shape (H, W, 3). For rgb8 and bgr8 a read-only view of the message's
        data, rows as far apart as its ``step``; else an array of its own.
    :param color_order: of the channels.
    """

    pixels: NDArray[np.uint8]
    color_order: ColorOrder
