"""Progress of a build, and Ctrl-C in it.

TensorRT builds in one call and asks a monitor from threads of its own. An exception there, such as
the one of Ctrl-C, would have to pass through its code. So the build has a thread of its own, where
no Ctrl-C arrives, and the thread that waits for it tells the monitor.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from stdc_core.tensorrt.library import TensorRT

T = TypeVar('T')
OnProgress = Callable[[str, int, int], None]  # phase, steps done, steps in all; phases are nested


class BuildMonitor:
    """What TensorRT tells of a build, and whether it is to go on.

    :param on_progress: called from TensorRT's threads; its first exception ends the build.
    """

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._steps: dict[str, int] = {}
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self.error: Exception | None = None

    def cancel(self) -> None:
        """End the build at its next step."""
        self._cancelled.set()

    def phase_start(self, phase: str, steps: int) -> None:
        """Take note that a phase begins."""
        self._steps[phase] = steps
        self._tell(phase, 0)

    def step_complete(self, phase: str, step: int) -> bool:
        """Take note of a step, counted from 0; False ends the build."""
        self._tell(phase, step + 1)
        return not self._cancelled.is_set()

    def phase_finish(self, phase: str) -> None:
        """Take note that a phase is over, also one that was cut short."""
        self._tell(phase, self._steps[phase])

    def _tell(self, phase: str, done: int) -> None:
        try:
            with self._lock:
                self._on_progress(phase, done, self._steps[phase])
        except Exception as error:  # nothing may be raised into TensorRT
            self.error = self.error or error
            self.cancel()


def progress_monitor(tensorrt: TensorRT, monitor: BuildMonitor) -> Any:
    """Wrap a monitor as TensorRT's ``IProgressMonitor``; it has to outlive the build."""
    base = tensorrt.module.IProgressMonitor

    class Adapter(base):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            base.__init__(self)  # the bindings demand it by name

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            monitor.phase_start(phase_name, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            return monitor.step_complete(phase_name, step)

        def phase_finish(self, phase_name: str) -> None:
            monitor.phase_finish(phase_name)

    return Adapter()


def run_cancellable(work: Callable[[], T], cancel: Callable[[], None]) -> T:
    """Run in a thread and wait; Ctrl-C and SIGTERM cancel it, and are raised when it has ended.

    :param cancel: makes ``work`` return or raise soon.
    """
    results: list[T] = []
    errors: list[BaseException] = []
    ended = threading.Event()  # an interrupted Thread.join takes the thread for dead (Python 3.11)

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)
        finally:
            ended.set()

    interrupt: BaseException | None = None
    try:
        threading.Thread(target=run, name='TensorRT build').start()
    except (KeyboardInterrupt, SystemExit) as error:  # while it started: it runs
        interrupt = error
    try:
        while not ended.is_set():
            try:
                if interrupt is not None:
                    cancel()
                ended.wait(0.1)  # without a limit Ctrl-C would wait, too
            except BaseException as error:
                interrupt = interrupt or error
    finally:
        if not ended.is_set():  # interrupted just outside of the inner try
            cancel()
    if interrupt is not None:
        raise interrupt
    if errors:
        raise errors[0]
    return results[0]
