"""The lifecycle node: camera topics in, masks out."""

from __future__ import annotations

import functools
import logging
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.clock import Clock, ROSClock
from rclpy.clock_type import ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.timer import Timer

from stdc_core.engines import InferenceEngine, open_engine
from stdc_core.errors import UserError
from stdc_core.gpu import GpuMonitor
from stdc_core.model_file import ModelFile, read_model_file
from stdc_seg_ros.camera import REVIEW_PERIOD_S, Camera, shown_name
from stdc_seg_ros.camera_input import Arrival
from stdc_seg_ros.clock_watch import ClockWatch
from stdc_seg_ros.core_log import log_to_ros
from stdc_seg_ros.default_model import find_default_model
from stdc_seg_ros.diagnostics import DiagnosticsPublisher, camera_status, engine_status
from stdc_seg_ros.engine_pair import EnginePair
from stdc_seg_ros.inference_thread import InferenceThread
from stdc_seg_ros.label_info import LabelInfoPublisher
from stdc_seg_ros.mailbox import Mailbox
from stdc_seg_ros.parameters import NodeParameters, ParameterServer
from stdc_seg_ros.processes.run_node import run_node
from stdc_seg_ros.watchdog import Watchdog

DRAIN_S = 5.0  # for the frames in hand at deactivation
STOP_S = 10.0  # for the inference thread to end
END_S = 1.0  # the same where the process ends, which needs nothing to be freed

SUCCESS, FAILURE, ERROR = (
    TransitionCallbackReturn.SUCCESS,
    TransitionCallbackReturn.FAILURE,
    TransitionCallbackReturn.ERROR,
)
logger = logging.getLogger('stdc_seg_ros.segmentation_node')  # also with python -m

Transition = Callable[['SegmentationNode', LifecycleState], TransitionCallbackReturn]


def _logged(transition: Transition) -> Transition:
    """Log what a transition raises: rclpy turns it into ERROR and says nothing."""

    @functools.wraps(transition)
    def run(node: SegmentationNode, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            return transition(node, state)
        except UserError as error:
            node.fail(f'{transition.__name__[3:]} failed: {error}')
            return FAILURE
        except Exception:
            node.fail(f'{transition.__name__[3:]} failed:\n{traceback.format_exc()}')
            return ERROR

    return run


class SegmentationNode(LifecycleNode):
    """Segments the images of one camera or several.

    configure opens the engine, activate subscribes, deactivate unsubscribes and keeps the engine,
    cleanup frees it. Callbacks run in one executor thread; the engine, decoding and publishing in
    one thread of their own.

    :param options: for rclpy's node, e.g. its context.
    :raises InvalidArgumentError: a parameter is wrong.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__('segmentation_node', **options)
        log_to_ros(self)
        self._settings = ParameterServer(self)
        self._problem = ''  # of the last transition
        self._model: ModelFile | None = None
        self._cameras: list[Camera] = []
        self._engines: EnginePair | None = None
        self._thread: InferenceThread[Camera, Arrival] | None = None
        self._mailbox: Mailbox[Camera, Arrival] | None = None
        self._label_info: LabelInfoPublisher | None = None
        self._review_timer: Timer | None = None
        self._reviewed_at: float | None = None  # steady seconds; None while not active
        self._watchdog: Watchdog | None = None
        clock = self.get_clock()
        assert isinstance(clock, ROSClock)  # as every node has it
        self._clock_watch = ClockWatch(clock, self._on_clock_jump)
        self._gpus = GpuMonitor()
        self._diagnostics = DiagnosticsPublisher(self, self._statuses)

    def start(self) -> None:
        """Configure and activate where ``autostart`` says so.

        What fails is in the log and in the diagnostics; the node can be configured again.
        """
        if not self._settings.current.autostart:
            logger.info('unconfigured: waiting to be configured')
        elif self.trigger_configure() == SUCCESS:
            self.trigger_activate()

    def close(self) -> None:
        """Free everything, in any state; the executor does not spin any more."""
        self._release(END_S)
        self._clock_watch.close()
        self._gpus.close()

    def fail(self, problem: str) -> None:
        """Take down why a transition failed."""
        self._problem = problem
        logger.error(problem)

    @_logged
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Read the model, open the engine, let it prove itself, make the publishers."""
        self._problem = ''
        try:
            parameters = self._settings.current
            self._model = read_model_file(
                parameters.model or find_default_model(int8=parameters.takes_int8)
            )
            labels = self._model.metadata.labels
            self._mailbox = Mailbox()
            for name in parameters.cameras:
                self._cameras.append(Camera(self, name, labels, self._settings, self._mailbox))
            self._thread = InferenceThread(
                lambda: EnginePair(self._engine_opener(parameters)), Camera.process, self._mailbox
            )
            logger.info(f'opening the engine for {self._model.path}')
            self._engines = self._thread.start(lambda: not self.context.ok())
            self._label_info = LabelInfoPublisher(self, '~/', labels)
            self._label_info.publish(parameters.confidence_threshold)
            self._watchdog = Watchdog(
                lambda: self._settings.current.watchdog_s, self._find_hang, self._report_hang
            )
        except BaseException:
            self._release()
            raise
        return super().on_configure(state)

    @_logged
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe."""
        assert self._engines is not None
        result = super().on_activate(state)  # the publishers, before the first mask
        for camera in self._cameras:
            camera.activate()
        self._review_timer = self.create_timer(
            REVIEW_PERIOD_S, self._review, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        if self.executor is not None:  # when the transition is through
            self.executor.create_task(self._tell_active)
        return result

    @_logged
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe and finish the frames in hand."""
        assert self._mailbox is not None
        self._end_intake()
        if not self._mailbox.wait_idle(DRAIN_S):
            logger.warning(f'a frame is still being worked on after {DRAIN_S:g} s')
        logger.info('inactive')
        return super().on_deactivate(state)

    @_logged
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the engine and the publishers."""
        result = super().on_cleanup(state)
        self._release()
        return result

    @_logged
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything, from any state."""
        result = super().on_shutdown(state)
        self._release()
        return result

    @_logged
    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything; the node can be configured again."""
        self._release()
        return SUCCESS

    def _review(self) -> None:
        """Follow what changes outside; regularly, while active."""
        self._reviewed_at = time.monotonic()
        for camera in self._cameras:
            camera.review()
        if self._label_info is not None:
            self._label_info.publish(self._settings.current.confidence_threshold)

    def _on_clock_jump(self) -> None:
        for camera in self._cameras:
            camera.clock_jumped()

    def _tell_active(self) -> None:
        """Log the line that a supervisor waits for."""
        if self._engines is not None:
            topics = ', '.join(camera.input.topic for camera in self._cameras)
            logger.info(f'active: {topics} with {self._engines.info}')

    def _engine_opener(self, parameters: NodeParameters) -> Callable[[bool], InferenceEngine]:
        model = self._model
        assert model is not None
        return lambda detail: open_engine(
            model,
            parameters.backend,
            size=parameters.size,
            precision=parameters.precision,
            threads=parameters.threads or None,
            detail=detail,
        )

    def _end_intake(self) -> None:
        if self._review_timer is not None:
            self.destroy_timer(self._review_timer)
            self._review_timer = self._reviewed_at = None
        for camera in self._cameras:
            camera.deactivate()

    def _release(self, timeout_s: float = STOP_S) -> None:
        """Free what there is, in the order in which it is used."""
        if not self.context.ok():  # a signal came, maybe while the engine was opened
            timeout_s = END_S
        self._end_intake()
        if self._thread is not None and not self._thread.stop(timeout_s):
            logger.warning(f'the inference thread did not end in {timeout_s:g} s')
        if self._watchdog is not None:
            self._watchdog.close()
        for camera in self._cameras:
            camera.log_ledger()
            camera.destroy()
        self._cameras = []
        if self._label_info is not None:
            self._label_info.destroy()
        self._thread = self._mailbox = self._engines = None
        self._label_info = self._model = self._watchdog = None

    def _find_hang(self, limit_s: float) -> str:
        """Say what has hung for so long; for the watchdog's thread."""
        for camera in self._cameras:
            busy_s = camera.busy_for_s or 0.0
            if busy_s > limit_s:
                topic = camera.input.topic
                return f'{topic}: the engine has worked on one image for {busy_s:.1f} s'
        if self._thread is not None and self._thread.has_died:
            return 'the inference thread has ended by itself'
        if (reviewed_at := self._reviewed_at) is not None:
            silent_s = time.monotonic() - reviewed_at
            if silent_s > limit_s:
                return f'the executor has not come back for {silent_s:.1f} s'
        return ''

    def _report_hang(self, hang: str) -> None:
        logger.critical(f'{hang}: the process ends, to be started anew (watchdog_s)')
        for camera in self._cameras:
            camera.log_ledger()

    def _statuses(self) -> Sequence[DiagnosticStatus]:
        lifecycle = self._state_machine.current_state[1]  # rclpy has no public way in the process
        name = self.get_name()
        cameras: dict[str, Camera | None] = {camera.name: camera for camera in self._cameras}
        if not cameras:
            cameras = dict.fromkeys(map(shown_name, self._settings.current.cameras))
        self._clock_watch.look()
        stands_still = self._clock_watch.stands_still
        return [
            *(
                camera_status(f'{name}: {key}', lifecycle, camera, stands_still)
                for key, camera in cameras.items()
            ),
            engine_status(
                f'{name}: engine',
                lifecycle,
                self._problem,
                self._engines,
                self._model,
                self._clock_watch.describe(),
                self._gpus.facts(),
            ),
        ]


def main() -> int:
    """Run the node until a signal ends it; the exit code."""
    return run_node(SegmentationNode)


if __name__ == '__main__':
    sys.exit(main())
