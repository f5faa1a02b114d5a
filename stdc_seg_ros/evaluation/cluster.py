"""Work over the machines of a Ray cluster (https://docs.ray.io), an optional extra."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Any

from stdc_core.errors import UserError

ADDRESS = re.compile(r'auto|[^:/\s]+:\d+')
CORES = 1  # of each piece of work
ANSWER_S = 10.0


class ClusterError(UserError, RuntimeError):
    """A cluster that is not there, or lost what it worked on."""


class Cluster:
    """A connection to a cluster that runs already; a context manager.

    :param address: HOST:PORT, or ``auto`` for the one of this machine.
    :raises ClusterError: Ray is not installed, or no cluster answers.
    """

    def __init__(self, address: str) -> None:
        if not ADDRESS.fullmatch(address):
            raise ClusterError(f"cluster is '{address}', expected auto or HOST:PORT")
        os.environ['RAY_USAGE_STATS_ENABLED'] = '0'  # read on import
        try:
            import ray
        except ImportError as error:
            raise ClusterError(
                "Ray is not installed: pip install 'stdc_seg_ros[cluster]' (or pip install ray)"
            ) from error
        self._ray: Any = ray
        handler = signal.getsignal(signal.SIGTERM)
        try:
            _check_answer(address)
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise ClusterError(
                f'no Ray cluster at {address}: start one by ray start --head, and run this on a '
                f'machine of it ({_line(error)})'
            ) from error
        finally:
            signal.signal(signal.SIGTERM, handler)  # Ray has one of its own

    def submit(self, work: Callable[..., None], *values: object) -> Callable[[], None]:
        """Let a machine with a free core work.

        :param work: a function of a module that all machines have.
        :return: waits for the end, and raises what the work raised; ClusterError where the
            machine or its process was lost.
        """
        reference = self._ray.remote(num_cpus=CORES)(work).remote(*values)

        def result() -> None:
            try:
                self._ray.get(reference)
            except self._ray.exceptions.RayTaskError as error:
                raise error.cause from error
            except self._ray.exceptions.RayError as error:
                raise ClusterError(f'lost by the cluster: {_line(error)}') from error

        return result

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ray.shutdown()


def _check_answer(address: str) -> None:
    """Find out at once what Ray tries for many minutes.

    :raises OSError: nobody listens there.
    """
    host, _, port = address.partition(':')
    if port:
        socket.create_connection((host, int(port)), ANSWER_S).close()


def _line(error: Exception) -> str:
    return f'{type(error).__name__}: {" ".join(str(error).split())}'
