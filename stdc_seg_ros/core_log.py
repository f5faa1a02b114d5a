"""What stdc_core logs, in the node's log."""

import logging
from typing import Any


class RosLogHandler(logging.Handler):
    """Hands records of Python's logging to a ROS logger.

    :param logger: of the node.
    """

    def __init__(self, logger: Any) -> None:
        super().__init__()
        # rclpy allows one severity a line of code.
        self._write = {
            logging.DEBUG: lambda message: logger.debug(message),
            logging.INFO: lambda message: logger.info(message),
            logging.WARNING: lambda message: logger.warning(message),
            logging.ERROR: lambda message: logger.error(message),
            logging.CRITICAL: lambda message: logger.fatal(message),
        }

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        self._write.get(record.levelno, self._write[logging.INFO])(self.format(record))


def log_to_ros(logger: Any, packages: tuple[str, ...] = ('stdc_core', 'stdc_seg_ros')) -> None:
    """Send what these packages log to a ROS logger, and nowhere else.

    :param logger: of the node.
    """
    for name in packages:
        package = logging.getLogger(name)
        package.handlers = [RosLogHandler(logger)]
        package.setLevel(logging.INFO)
        package.propagate = False
