"""Write pictures, and labels where there are some, as the rosbag2 of a camera."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.errors import InvalidArgumentError
from stdc_core.geometry import Size
from stdc_seg_ros.bag.camera_info import plausible_intrinsics
from stdc_seg_ros.bag.errors import INSTALL_HINT, BagError

try:
    from rosbags.interfaces import (
        Connection,
        Qos,
        QosDurability,
        QosHistory,
        QosLiveliness,
        QosReliability,
        QosTime,
    )
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore
except ImportError as error:
    raise BagError(INSTALL_HINT) from error

IMAGE_TOPIC = '/camera/image_raw'
COMPRESSED_TOPIC = '/camera/image_raw/compressed'
LABEL_TOPIC = '/camera/labels'
INFO_TOPIC = '/camera/camera_info'

Encoding = Literal['rgb8', 'bgr8', 'compressed']
Storage = Literal['mcap', 'sqlite3']

MAX_RATE_HZ = 1e6
MAX_STAMP_NS = (1 << 31) * 10**9  # builtin_interfaces/Time has 32 bits for the seconds
JPEG_QUALITY = 90
NEVER = QosTime(9223372036, 854775807)  # RMW_DURATION_INFINITE, as rosbag2 writes it
QUEUE_DEPTH = 5


class LabeledImage(NamedTuple):
    """One picture of a drive.

    :param image: uint8, RGB, shape (H, W, 3).
    :param labels: uint8, class ids and 255 for unlabeled, shape (H, W); None where there are none.
    :param file: the picture as JPEG or PNG, for a compressed topic; None has it compressed.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8] | None = None
    file: bytes | None = None


@dataclass(frozen=True)
class BagConfig:
    """How a bag is written.

    :param rate_hz: of the pictures.
    :param first_stamp_ns: stamp of the first, nanoseconds since 1970.
    :param encoding: of the images; ``compressed`` makes a sensor_msgs/CompressedImage.
    :param storage: of rosbag2.
    :param frame_id: in every header.
    """

    rate_hz: float = 15.0
    first_stamp_ns: int = 1_700_000_000 * 10**9
    encoding: Encoding = 'rgb8'
    storage: Storage = 'mcap'
    frame_id: str = 'camera_optical_frame'

    def __post_init__(self) -> None:
        if not 0 < self.rate_hz <= MAX_RATE_HZ:
            raise InvalidArgumentError(f'rate is {self.rate_hz} Hz, expected 0 to 1 MHz')
        if not 0 <= self.first_stamp_ns < MAX_STAMP_NS:
            raise InvalidArgumentError(
                f'first stamp is {self.first_stamp_ns} ns, expected 1970 to 2038'
            )
        for name, value, known in (
            ('encoding', self.encoding, get_args(Encoding)),
            ('storage', self.storage, get_args(Storage)),
        ):
            if value not in known:
                raise InvalidArgumentError(f"unknown {name} '{value}' (known: {', '.join(known)})")

    def stamp_ns(self, index: int) -> int:
        """Stamp of a picture: each is rounded by itself, so the rate does not drift."""
        return self.first_stamp_ns + round(Fraction(index * 10**9) / Fraction(self.rate_hz))


@dataclass(frozen=True)
class BagSummary:
    """What was written."""

    path: Path
    frames: int
    labeled: int


def write_bag(
    path: str | Path, images: Iterable[LabeledImage], config: BagConfig | None = None
) -> BagSummary:
    """Write a bag: images, camera_info beside each, labels as mono8.

    One picture at a time is in memory. The bag is whole or not there.

    :param path: the folder to make.
    :param images: in their order.
    :raises BagError: something is at ``path``, or there is no picture.
    :raises ValueError: a picture or its labels are not of the shape and type they should have.
    """
    config = config or BagConfig()
    frames = labeled = 0
    with atomic_bag(Path(path), config.storage) as writer:
        camera = _CameraWriter(writer, config)
        for image in images:
            _check(image, frames)
            camera.write(image, config.stamp_ns(frames))
            frames += 1
            labeled += image.labels is not None
        if not frames:
            raise BagError(f'{path} would be empty: there are no pictures')
    return BagSummary(Path(path), frames, labeled)


@contextmanager
def atomic_bag(path: Path, storage: Storage = 'mcap') -> Iterator[Writer]:
    """Open a bag to write; it is at the path when the block ends without exception.

    It is written beside it, in a folder of the same name, as rosbag2 names its files by that.

    :raises BagError: something is at ``path``.
    :raises OSError: it cannot be written.
    """
    if path.exists() or path.is_symlink():
        raise BagError(f'{path} is there already: name another, or remove it')
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'.{path.name}.part-{os.getpid()}')
    plugin = StoragePlugin.MCAP if storage == 'mcap' else StoragePlugin.SQLITE3
    try:
        part.mkdir()
        # Version 8 is the last whose QoS profiles ROS before Jazzy can read.
        with Writer(part / path.name, version=8, storage_plugin=plugin) as writer:
            yield writer
        os.rename(part / path.name, path)
    except sqlite3.OperationalError as error:  # of a full disk
        raise OSError(f'{path} cannot be written: {error}') from error
    except OSError as error:  # which does not say the name then
        error.filename = error.filename or str(path)
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


class _CameraWriter:
    """Makes the messages of one camera. A topic is in the bag when it has a message."""

    def __init__(self, writer: Writer, config: BagConfig) -> None:
        self._writer = writer
        self._config = config
        self._types = get_typestore(Stores.LATEST)
        self._connections: dict[str, Connection] = {}

    def write(self, image: LabeledImage, stamp_ns: int) -> None:
        header = self._message(
            'std_msgs/msg/Header',
            stamp=self._message('builtin_interfaces/msg/Time', **stamp_fields(stamp_ns)),
            frame_id=self._config.frame_id,
        )
        if self._config.encoding == 'compressed':
            file = image.file or _compress(image.image)
            kind = 'png' if file.startswith(b'\x89PNG') else 'jpeg'
            fields = {'format': kind, 'data': np.frombuffer(file, np.uint8)}
            self._write(COMPRESSED_TOPIC, 'CompressedImage', stamp_ns, header, fields)
        else:
            pixels = image.image if self._config.encoding == 'rgb8' else image.image[..., ::-1]
            fields = image_fields(pixels, self._config.encoding)
            self._write(IMAGE_TOPIC, 'Image', stamp_ns, header, fields)
        self._write_info(header, stamp_ns, Size(*image.image.shape[:2]))
        if image.labels is not None:
            fields = image_fields(image.labels, 'mono8')
            self._write(LABEL_TOPIC, 'Image', stamp_ns, header, fields)

    def _write_info(self, header: Any, stamp_ns: int, size: Size) -> None:
        roi = self._message(
            'sensor_msgs/msg/RegionOfInterest',
            x_offset=0,
            y_offset=0,
            height=0,
            width=0,
            do_rectify=False,
        )
        fields = {**plausible_intrinsics(size), 'roi': roi}
        self._write(INFO_TOPIC, 'CameraInfo', stamp_ns, header, fields)

    def _write(
        self, topic: str, kind: str, stamp_ns: int, header: Any, fields: dict[str, Any]
    ) -> None:
        name = f'sensor_msgs/msg/{kind}'
        if topic not in self._connections:
            self._connections[topic] = self._writer.add_connection(
                topic, name, typestore=self._types, offered_qos_profiles=[offered_qos()]
            )
        message = self._message(name, header=header, **fields)
        data = self._types.serialize_cdr(message, name)
        self._writer.write(self._connections[topic], stamp_ns, data)

    def _message(self, name: str, **fields: Any) -> Any:
        return self._types.types[name](**fields)


def _check(image: LabeledImage, index: int) -> None:
    pixels, labels = image.image, image.labels
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise ValueError(
            f'picture {index} is {pixels.dtype} of shape {pixels.shape}, expected uint8 RGB of '
            'shape (H, W, 3)'
        )
    if labels is not None and (labels.dtype != np.uint8 or labels.shape != pixels.shape[:2]):
        raise ValueError(
            f'labels of picture {index} are {labels.dtype} of shape {labels.shape}, expected '
            f'uint8 of shape {pixels.shape[:2]}'
        )


def _compress(image: NDArray[np.uint8]) -> bytes:
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode('.jpg', bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return data.tobytes()


def image_fields(pixels: NDArray[np.uint8], encoding: str) -> dict[str, Any]:
    """Fields of a sensor_msgs/Image, without its header."""
    height, width = pixels.shape[:2]
    return {
        'height': height,
        'width': width,
        'encoding': encoding,
        'is_bigendian': 0,
        'step': pixels.size // height,
        'data': np.ascontiguousarray(pixels).ravel(),
    }


def stamp_fields(stamp_ns: int) -> dict[str, int]:
    """Fields of a builtin_interfaces/Time."""
    seconds, nanoseconds = divmod(stamp_ns, 10**9)
    return {'sec': seconds, 'nanosec': nanoseconds}


def offered_qos() -> Qos:
    """Reliable and volatile, as a camera that loses nothing offers it."""
    return Qos(
        QosHistory.KEEP_LAST,
        QUEUE_DEPTH,
        QosReliability.RELIABLE,
        QosDurability.VOLATILE,
        NEVER,
        NEVER,
        QosLiveliness.AUTOMATIC,
        NEVER,
        False,
    )
