"""One camera: its frames in, the engine, its masks out, and what became of every frame."""

from __future__ import annotations

import logging
import math
import time
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import CompressedImage

from stdc_core.engines import EngineError
from stdc_core.labels import UNLABELED, LabelSet
from stdc_seg_ros.camera_input import NANOSECONDS, Arrival, CameraInput, Publishers
from stdc_seg_ros.camera_outputs import CameraOutputs
from stdc_seg_ros.camera_state import CameraFacts, CameraState, FrameProblem, judge_camera
from stdc_seg_ros.camera_statistics import CameraStatistics, Stopwatch
from stdc_seg_ros.engine_pair import EnginePair
from stdc_seg_ros.frame_ledger import FrameLedger
from stdc_seg_ros.image_messages import (
    BadImageError,
    CameraFrame,
    UnsupportedImageError,
    decode_compressed,
    decode_image,
)
from stdc_seg_ros.mailbox import Mailbox
from stdc_seg_ros.parameters import ParameterServer
from stdc_seg_ros.recent_frames import LedgerWindow

LOG_PERIOD_S = 5.0  # a camera that sends nothing but broken frames does not flood the log
REVIEW_PERIOD_S = 0.5
logger = logging.getLogger(__name__)


def shown_name(name: str) -> str:
    """Name of a camera in diagnostics; an only camera is called as its topic."""
    return name or 'image'


class Camera:
    """All state of one camera.

    :meth:`process` is for the inference thread, all else for the executor's.

    :param node: that subscribes and publishes.
    :param name: empty for an only camera: it reads ``image`` and writes ``~/mask``; else ``front``
        reads ``front/image`` and writes ``~/front/mask``.
    :param labels: what the ids of the masks mean.
    :param settings: the node's parameters, looked at for every frame.
    :param mailbox: where frames wait for the inference thread, with this camera as their sender.
    """

    def __init__(
        self,
        node: LifecycleNode,
        name: str,
        labels: LabelSet,
        settings: ParameterServer,
        mailbox: Mailbox[Camera, Arrival],
    ) -> None:
        self.name = shown_name(name)
        self._node = node
        self._settings = settings
        self._labels = labels
        self._mailbox = mailbox
        prefix = f'{name}/' if name else ''
        self.ledger = FrameLedger()
        self._ledger_window = LedgerWindow()
        self.statistics = CameraStatistics()
        self.outputs = CameraOutputs(node, f'~/{prefix}', labels)
        values = settings.current
        self.input = CameraInput(
            node,
            f'{prefix}image',
            values.image_transport,
            values.reliability,
            self._receive,
        )
        self.publishers = Publishers(0, 0, '')
        self._matched_since: float | None = None
        self._clock_jumped_at = -math.inf  # by time.perf_counter()

    def activate(self) -> None:
        """Begin to take frames."""
        self.statistics.clear()
        self._ledger_window.clear()
        self._matched_since = None
        self.ledger.set_active(True)
        self.input.open()

    def deactivate(self) -> None:
        """Take no more frames; one that waits is still worked on."""
        self.input.close()
        self.ledger.set_active(False)

    def destroy(self) -> None:
        """Take everything off the node, after the inference thread ended."""
        self.deactivate()
        self.outputs.destroy()

    def review(self) -> None:
        """Follow the publishers and what becomes of their frames; regularly."""
        self.publishers = self.input.review()
        self.ledger.set_publishers(self.publishers.count)
        self._ledger_window.add(self.ledger.snapshot())
        if not self.publishers.matched:
            self._matched_since = None
        elif self._matched_since is None:
            self._matched_since = time.monotonic()

    def process(self, engines: EnginePair, arrival: Arrival) -> None:
        """Segment one frame and publish what is wanted; raises nothing."""
        self.statistics.busy_since = time.monotonic()
        try:
            self._segment(engines, arrival)
        except (BadImageError, UnsupportedImageError) as error:
            self.ledger.rejected()
            self._complain('rejected', f'image rejected: {error}')
        except Exception as error:  # this frame is lost; the next is tried
            self.ledger.failed()
            if self._node.context.ok():  # else it failed because the process ends
                self._complain('failing', f'frame failed: {type(error).__name__}: {error}')
        else:
            self.ledger.processed()
            self.statistics.output_rate.tick()
            self.statistics.problem = None
        self.statistics.busy_since = None

    @property
    def busy_for_s(self) -> float | None:
        """Seconds that the present frame is being worked on; None between frames."""
        since = self.statistics.busy_since
        return None if since is None else time.monotonic() - since

    def clock_jumped(self) -> None:
        """Forget what was measured by the node's clock: it shows another time now."""
        self._clock_jumped_at = time.perf_counter()
        self.statistics.clear_stage('header_age')

    def log_ledger(self) -> None:
        """Write what became of all frames into the log, where there were any."""
        ledger = self.ledger.snapshot()
        if ledger.received:
            logger.info(f'{self.input.topic}: {ledger}')

    def state(self, clock_stands_still: bool) -> CameraState:
        """Judge what the camera does, now.

        :param clock_stands_still: the node's, a simulated one.
        """
        now = time.monotonic()
        statistics = self.statistics
        facts = CameraFacts(
            topic=self.input.topic,
            publishers=self.publishers,
            matched_for_s=None if self._matched_since is None else now - self._matched_since,
            since_arrival_s=statistics.input_rate.since_last(),
            busy_for_s=self.busy_for_s,
            problem=statistics.problem,
            last_problem=statistics.last_problem,
            processing_ms=statistics.processing.newest_ms,
            late_for_s=statistics.processing.late_for_s,
            recent=self._ledger_window.recent(),
            clock_stands_still=clock_stands_still,
            input_rate_hz=statistics.input_rate.rate(),
            output_rate_hz=statistics.output_rate.rate(),
        )
        return judge_camera(facts, self._settings.current)

    def _receive(self, arrival: Arrival) -> None:
        self.statistics.input_rate.tick()
        if not self.ledger.received(arrival.publisher, arrival.sequence, arrival.source_ns):
            return
        if self._mailbox.put(self, arrival) is not None:
            self.ledger.replaced()

    def _segment(self, engines: EnginePair, arrival: Arrival) -> None:
        watch = Stopwatch(arrival.received_at)
        statistics, parameters = self.statistics, self._settings.current
        statistics.add('transport', arrival.transport_ms)
        statistics.add('wait', watch.lap())
        header = arrival.message.header
        wanted = self.outputs.wanted()
        frame = _decode(arrival)
        statistics.add('decode', watch.lap())
        threshold = parameters.confidence_threshold
        result = engines.choose(detail='detail' in wanted).infer(
            frame.pixels,
            color_order=frame.color_order,
            confidence='confidence' in wanted or threshold > 0,
        )
        _check_labels(result.labels, frame, len(self._labels))
        if result.confidence is not None and threshold > 0:
            # In the engine's own array, which it writes over at the next frame anyway.
            np.putmask(result.labels, result.confidence < 255 * threshold, UNLABELED)
        watch.lap()
        statistics.add_stages(result.stage_ms)
        self.outputs.publish_mask(wanted, header, result.labels)
        statistics.add('publish_mask', watch.lap())
        statistics.processing.add(watch.total(), parameters.processing_limit_ms)
        if arrival.transport_ms is not None:
            statistics.add('whole', arrival.transport_ms + watch.total())
        statistics.add('header_age', self._header_age_ms(arrival))
        self.outputs.publish_rest(
            wanted,
            header,
            frame,
            result,
            self.input.camera_info,
            parameters.overlay_opacity,
            parameters.jpeg_quality,
        )
        statistics.add('publish_rest', watch.lap())

    def _header_age_ms(self, arrival: Arrival) -> float | None:
        """Age of the header by the node's clock, simulated or not.

        :return: None where it has no stamp, where /clock did not come yet, and where it jumped
            since the image came: then stamp and clock belong to different times.
        """
        stamp = arrival.message.header.stamp
        stamp_ns = stamp.sec * NANOSECONDS + stamp.nanosec
        now_ns = self._node.get_clock().now().nanoseconds
        if not stamp_ns or not now_ns or arrival.received_at < self._clock_jumped_at:
            return None
        return 1e-6 * (now_ns - stamp_ns)

    def _complain(self, state: Literal['rejected', 'failing'], message: str) -> None:
        problem = FrameProblem(state, message)
        self.statistics.problem = self.statistics.last_problem = problem
        self._node.get_logger().error(
            f'{self.input.topic}: {message}', throttle_duration_sec=LOG_PERIOD_S
        )


def _check_labels(labels: NDArray[np.uint8], frame: CameraFrame, classes: int) -> None:
    """Check what can be known of a mask without knowing the street: 3 µs at 480x360.

    :raises EngineError: another size than the frame's, or ids that are no class.
    """
    size = frame.pixels.shape[:2]
    if labels.shape != size or labels.dtype != np.uint8:
        raise EngineError(
            f'the engine returned labels of {labels.dtype} and shape {labels.shape}, expected '
            f'uint8 and {size}'
        )
    if (highest := int(labels.max())) >= classes:
        raise EngineError(f'the engine returned label {highest}, expected 0 to {classes - 1}')


def _decode(arrival: Arrival) -> CameraFrame:
    if isinstance(arrival.message, CompressedImage):
        return decode_compressed(arrival.message)
    return decode_image(arrival.message)
