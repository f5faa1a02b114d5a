"""Camera messages to arrays and arrays to messages (sensor_msgs/Image, CompressedImage)."""

from stdc_seg_ros.image_messages.camera_frame import (
    BadImageError,
    CameraFrame,
    UnsupportedImageError,
)
from stdc_seg_ros.image_messages.compressed import decode_compressed
from stdc_seg_ros.image_messages.raw import decode_image
from stdc_seg_ros.image_messages.write import (
    Compression,
    ImageWriter,
    OutputEncoding,
    compressed_message,
    image_message,
)

__all__ = [
    'BadImageError',
    'CameraFrame',
    'Compression',
    'ImageWriter',
    'OutputEncoding',
    'UnsupportedImageError',
    'compressed_message',
    'decode_compressed',
    'decode_image',
    'image_message',
]
