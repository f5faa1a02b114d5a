"""Camera messages (sensor_msgs/Image, CompressedImage) to arrays; needs no ROS.

:mod:`stdc_seg_ros.image_messages.write` makes messages of arrays and does need it.
"""

from stdc_seg_ros.image_messages.camera_frame import (
    BadImageError,
    CameraFrame,
    UnsupportedImageError,
)
from stdc_seg_ros.image_messages.compressed import decode_compressed
from stdc_seg_ros.image_messages.raw import decode_image

__all__ = [
    'BadImageError',
    'CameraFrame',
    'UnsupportedImageError',
    'decode_compressed',
    'decode_image',
]
