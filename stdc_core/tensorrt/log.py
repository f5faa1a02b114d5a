"""TensorRT's messages."""

from __future__ import annotations

import logging
import weakref
from typing import Any

from stdc_core.tensorrt.library import Flavour, TensorRT

logger = logging.getLogger(__name__)


class TensorRTLog:
    """Keeps TensorRT's first error from here on.

    All messages go to this module's logger as debugging ones: what failed is raised, with
    :attr:`reason`.
    """

    def __init__(self) -> None:
        self.reason = 'it does not say why'
        self._failed = False

    def as_logger(self, tensorrt: TensorRT) -> Any:
        """Return the ``ILogger`` for builders, parsers and runtimes: one for the whole process.

        TensorRT ignores any other than the first, as long as something made with that is alive.
        """
        if tensorrt.flavour not in _loggers:
            _loggers[tensorrt.flavour] = _make_logger(tensorrt)
        _logs.add(self)
        return _loggers[tensorrt.flavour]

    def take(self, failed: bool, message: str) -> None:
        """Take note of a message."""
        if failed and not self._failed:
            self._failed, self.reason = True, message.strip().split('\n')[0]


_loggers: dict[Flavour, Any] = {}
_logs: weakref.WeakSet[TensorRTLog] = weakref.WeakSet()


def _make_logger(tensorrt: TensorRT) -> Any:
    base = tensorrt.module.ILogger
    errors = (base.INTERNAL_ERROR, base.ERROR)

    class Adapter(base):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            base.__init__(self)  # the bindings demand it by name

        def log(self, severity: Any, msg: str) -> None:
            logger.debug('%s', msg)
            for log in list(_logs):
                log.take(severity in errors, msg)

    return Adapter()
