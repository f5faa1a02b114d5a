"""A node as a process: what is set before ROS starts, and how a signal ends it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Protocol

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

from stdc_core.errors import UserError
from stdc_seg_ros.transport import tune_transport


class RunnableNode(Protocol):
    """What a node has to have beside rclpy's methods."""

    def start(self) -> None:
        """Begin to work, before the executor spins; return soon when the context shuts down."""

    def close(self) -> None:
        """End all threads and free everything; the executor spins no more."""

    def destroy_node(self) -> None:
        """Rclpy's own."""


def run_node(make_node: Callable[[], RunnableNode]) -> int:
    """Run a node in one executor thread until SIGINT or SIGTERM.

    rclpy's signal handler shuts the context down, which wakes the executor; then it calls ours.
    An exception out of a signal handler could come up in any line, so ours raises none as soon as
    rclpy has taken over.

    :return: the exit code.
    """
    taken_over = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        if not taken_over.is_set():
            raise SystemExit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    tune_transport()
    rclpy.init()
    taken_over.set()
    code = 1
    try:
        code = _spin(make_node)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        rclpy.try_shutdown()
        if any(thread.daemon for thread in threading.enumerate()):
            # A compiler that does not return. The interpreter would abort at its end, and prints
            # no traceback any more.
            if sys.exc_info()[0] is not None:
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return code


def _spin(make_node: Callable[[], RunnableNode]) -> int:
    node, spinning = None, False
    try:
        executor = SingleThreadedExecutor()
        node = make_node()
        assert isinstance(node, Node)
        executor.add_node(node)
        node.start()
        spinning = True
        executor.spin()
    except ExternalShutdownException:
        return 0
    except UserError as error:
        print(f'{_program()}: {error}', file=sys.stderr)
        return 1
    except Exception:
        if rclpy.ok():
            raise
        # Told to end: what rclpy does on a context that is gone under its hands raises anything.
        return 0 if spinning else 1
    finally:
        if node is not None:
            node.close()
            node.destroy_node()
    return 0


def _program() -> str:
    return os.path.basename(sys.argv[0])
