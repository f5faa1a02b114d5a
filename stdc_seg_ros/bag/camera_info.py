"""A camera_info for pictures whose camera nobody calibrated."""

from __future__ import annotations

from typing import Any

import numpy as np

from stdc_core.geometry import Size

FOCAL_LENGTH = 0.8  # in widths of the image: 64 degrees from left to right, as car cameras have


def plausible_intrinsics(size: Size) -> dict[str, Any]:
    """Make the fields of sensor_msgs/CameraInfo, but for the header, for an ideal pinhole camera.

    :return: ``k`` etc. as float64 arrays; the focal length is a guess, distortion is none.
    """
    focal = FOCAL_LENGTH * size.width
    center_x, center_y = (size.width - 1) / 2, (size.height - 1) / 2
    k = np.array([[focal, 0, center_x], [0, focal, center_y], [0, 0, 1]])
    return {
        'height': size.height,
        'width': size.width,
        'distortion_model': 'plumb_bob',
        'd': np.zeros(5),
        'k': k.ravel(),
        'r': np.eye(3).ravel(),
        'p': np.column_stack([k, np.zeros(3)]).ravel(),
        'binning_x': 0,
        'binning_y': 0,
    }
