"""TensorRT's messages."""

from __future__ import annotations

import logging
from typing import Any

from stdc_core.tensorrt.library import TensorRT

logger = logging.getLogger(__name__)


class TensorRTLog:
    """Keeps the first error of TensorRT, and hands all messages to this module's logger.

    They go there as debugging messages: what failed is raised, with :attr:`reason`.
    """

    def __init__(self) -> None:
        self._errors: list[str] = []

    @property
    def reason(self) -> str:
        """The first error, one line."""
        return self._errors[0] if self._errors else 'it does not say why'

    def as_logger(self, tensorrt: TensorRT) -> Any:
        """Make an ``ILogger``; it has to outlive what it is given to."""
        base = tensorrt.module.ILogger
        failed = (base.INTERNAL_ERROR, base.ERROR)

        class Adapter(base):  # type: ignore[misc, valid-type]
            def __init__(self) -> None:
                base.__init__(self)  # the bindings demand it by name

            def log(adapter, severity: Any, msg: str) -> None:  # noqa: N805
                self.take(severity in failed, msg)

        return Adapter()

    def take(self, failed: bool, message: str) -> None:
        """Take note of a message."""
        logger.debug('%s', message)
        if failed:
            self._errors.append(message.strip().split('\n')[0])
