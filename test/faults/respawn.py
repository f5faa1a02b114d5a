"""Starts the node anew when it ends by itself, as ``respawn:=true`` of the launch file does."""

import threading

from ros_bench import wait_for

DELAY_S = 2.0  # a test holds it equal to the launch file's


class Respawn:
    """Keeps a node running until it is closed.

    :param start: starts the node and returns it.
    """

    def __init__(self, start):
        self._start = start
        self._closed = threading.Event()
        self.nodes = [start()]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    @property
    def node(self):
        """The newest."""
        return self.nodes[-1]

    def wait_end(self, node, timeout_s=60):
        """Wait for the exit code of a node that ends."""
        wait_for(
            lambda: f'the end of:\n{node.output}', lambda: node.exit_code is not None, timeout_s
        )
        return node.exit_code

    def wait_next(self, node):
        """Wait for the one after it."""
        place = self.nodes.index(node) + 1
        wait_for('another node', lambda: len(self.nodes) > place)
        return self.nodes[place]

    def close(self):
        self._closed.set()
        self._thread.join()
        self.node.close()

    def _run(self):
        while not self._closed.wait(0.02):
            if self.node.exit_code is not None and not self._closed.wait(DELAY_S):
                self.nodes.append(self._start())
