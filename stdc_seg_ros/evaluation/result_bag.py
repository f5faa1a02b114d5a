"""The masks of an evaluation as a new bag, for rviz2 and Foxglove."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rosbags.interfaces import Connection
from rosbags.rosbag2 import Writer
from rosbags.typesys import Stores, get_typestore

from stdc_core.timing import NOT_AVAILABLE
from stdc_seg_ros.bag.bag_reader import BagReader
from stdc_seg_ros.bag.bag_writer import atomic_bag, image_fields, offered_qos, stamp_fields
from stdc_seg_ros.bag.mask_files import read_mask
from stdc_seg_ros.evaluation.drive import Drive
from stdc_seg_ros.evaluation.result import DriveEvaluation, FrameRow
from stdc_seg_ros.evaluation.stamps import message_stamp_ns

MASK_TOPIC = '/segmentation_node/mask'
OVERLAY_TOPIC = '/segmentation_node/overlay/compressed'
DIAGNOSTICS_TOPIC = '/diagnostics'
OPACITY = 0.5
JPEG_QUALITY = 90


def write_result_bag(
    path: Path,
    drive: Drive,
    evaluation: DriveEvaluation,
    on_frame: Callable[[], None] = lambda: None,
) -> int:
    """Write mask, overlay and figures of every frame that has a mask.

    Headers are the images' own, and each message has the time at which its image was recorded.
    The bag is whole or not there.

    :param path: the folder to make.
    :return: frames written.
    :raises BagError: something is at ``path``.
    """
    rows = {row.stamp_ns: row for row in evaluation.rows if row.outcome == 'processed'}
    with atomic_bag(path) as writer, BagReader(drive.bag, salvage=True) as reader:
        messages = _ResultWriter(writer)
        for recorded_ns, message in reader.read(drive.topic):
            row = rows.get(message_stamp_ns(message))
            if row is None:
                continue
            mask = read_mask(evaluation.masks, row.stamp_ns)
            assert mask is not None
            frame = drive.decode(message)
            overlay = evaluation.labels.overlay(frame.pixels, mask, OPACITY, frame.color_order)
            if frame.color_order == 'rgb':
                overlay = cv2.cvtColor(overlay, cv2.COLOR_RGB2BGR)  # type: ignore[assignment]
            _, jpeg = cv2.imencode('.jpg', overlay, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            messages.start(recorded_ns, row.stamp_ns, message.header.frame_id)
            messages.write(MASK_TOPIC, 'sensor_msgs/msg/Image', image_fields(mask, 'mono8'))
            fields: Mapping[str, Any] = {'format': 'jpeg', 'data': np.ravel(jpeg)}
            messages.write(OVERLAY_TOPIC, 'sensor_msgs/msg/CompressedImage', fields)
            messages.write_status(_values(row))
            on_frame()
    return len(rows)


class _ResultWriter:
    """Makes the messages of one frame after the other."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._types = get_typestore(Stores.LATEST)
        self._connections: dict[str, Connection] = {}

    def start(self, recorded_ns: int, stamp_ns: int, frame_id: str) -> None:
        """Begin a frame."""
        stamp = self._message('builtin_interfaces/msg/Time', **stamp_fields(stamp_ns))
        self._header = self._message('std_msgs/msg/Header', stamp=stamp, frame_id=frame_id)
        self._recorded_ns = recorded_ns

    def write(self, topic: str, kind: str, fields: Mapping[str, Any]) -> None:
        if topic not in self._connections:
            self._connections[topic] = self._writer.add_connection(
                topic, kind, typestore=self._types, offered_qos_profiles=[offered_qos()]
            )
        message = self._message(kind, header=self._header, **fields)
        data = self._types.serialize_cdr(message, kind)
        self._writer.write(self._connections[topic], self._recorded_ns, data)

    def write_status(self, values: Mapping[str, str]) -> None:
        """Write the figures of the frame as diagnostics."""
        pairs = [
            self._message('diagnostic_msgs/msg/KeyValue', key=key, value=value)
            for key, value in values.items()
        ]
        status = self._message(
            'diagnostic_msgs/msg/DiagnosticStatus',
            level=0,
            name='evaluate_bag: image',
            message='processed',
            hardware_id='',
            values=pairs,
        )
        self.write(DIAGNOSTICS_TOPIC, 'diagnostic_msgs/msg/DiagnosticArray', {'status': [status]})

    def _message(self, kind: str, /, **fields: Any) -> Any:
        return self._types.types[kind](**fields)


def _values(row: FrameRow) -> dict[str, str]:
    values = {**vars(row.scores), 'latency_ms': row.latency_ms}
    values |= {f'{stage}_ms': duration_ms for stage, duration_ms in row.stages_ms.items()}
    return {
        name: NOT_AVAILABLE if value is None else f'{value:.4g}' for name, value in values.items()
    }
