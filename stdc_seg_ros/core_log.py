"""Python's logging in the node's log: what stdc_core has to say, and our modules without a node.

After a signal the context is gone and rosout with it; then it goes to standard error.
"""

import logging
import sys

from rclpy.node import Node


class RosLogHandler(logging.Handler):
    """Hands records of Python's logging to a node's logger.

    :param node: whose.
    """

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._name, self._context = node.get_name(), node.context  # the node may be destroyed
        logger = node.get_logger()
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
        if not self._context.ok():
            print(f'[{self._name}]: {self.format(record)}', file=sys.stderr)
            return
        self._write.get(record.levelno, self._write[logging.INFO])(self.format(record))


def log_to_ros(node: Node) -> None:
    """Send what this project logs to a node's logger, and nowhere else."""
    for name in ('stdc_core', 'stdc_seg_ros'):
        package = logging.getLogger(name)
        package.handlers = [RosLogHandler(node)]
        package.setLevel(logging.INFO)
        package.propagate = False
