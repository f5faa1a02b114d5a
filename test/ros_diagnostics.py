"""Fixture: what the running node tells of itself on /diagnostics."""

import time

import pytest
from ros_bench import wait_for


class Diagnostics:
    """Statuses as they come, with their times."""

    def __init__(self, bench):
        from diagnostic_msgs.msg import DiagnosticArray

        self._collector = bench.collect(DiagnosticArray, '/diagnostics')

    def newest(self, task):
        """Level, message and values of the newest status; None before the first."""
        return next((status for _, status in reversed(self.since(0, task))), None)

    def since(self, start_ns, task):
        """List what was sent after that and when (ns since the epoch), oldest first."""
        collector = self._collector
        return [
            (time_ns, told)
            for time_ns, message in zip(collector.sent, list(collector.messages), strict=False)
            if time_ns > start_ns
            for status in message.status
            if status.name == f'segmentation_node: {task}'
            for told in [_told(status)]
        ]

    def wait(self, task, matches, what):
        """Return the first status sent from now on that matches (level, message, values)."""
        now_ns = time.time_ns()

        def found():
            told = [status for _, status in self.since(now_ns, task)]
            return told[-1] if told and matches(*told[-1]) else None

        return wait_for(lambda: f'{what} in the diagnostics: {self.newest(task)}', found)


def _told(status):
    return status.level, status.message, {entry.key: entry.value for entry in status.values}


@pytest.fixture(scope='module')
def diagnostics(bench):
    return Diagnostics(bench)
