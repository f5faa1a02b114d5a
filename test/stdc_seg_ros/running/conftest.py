"""What the tests of the running node share."""

import pytest
from ros_bench import wait_for


class Diagnostics:
    """What the node tells of itself."""

    def __init__(self, bench):
        from diagnostic_msgs.msg import DiagnosticArray

        self._collector = bench.collect(DiagnosticArray, '/diagnostics')

    def newest(self, task):
        """Level, message and values of the newest status; None before the first."""
        for message in reversed(self._collector.messages):
            for status in message.status:
                if status.name == f'segmentation_node: {task}':
                    values = {entry.key: entry.value for entry in status.values}
                    return status.level, status.message, values
        return None

    def wait(self, task, matches, what):
        """Return the first status from now on that matches (level, message, values)."""
        seen = len(self._collector.messages)

        def found():
            newest = self.newest(task)
            if len(self._collector.messages) > seen and newest is not None and matches(*newest):
                return newest
            return None

        return wait_for(lambda: f'{what} in the diagnostics: {self.newest(task)}', found)


@pytest.fixture(scope='module')
def diagnostics(bench):
    return Diagnostics(bench)
