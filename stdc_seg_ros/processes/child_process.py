"""Processes of our own: their output in a file, ended with whatever ends what started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from stdc_core.errors import UserError

POLL_S = 0.05
END_S = 30.0  # beside a training a node takes ten seconds
SHOWN_LINES = 12


class ChildProcessError(UserError, RuntimeError):
    """A process of ours that ended or did not start; the message has its last lines."""


class ChildProcess:
    """A Python module run as a process; a context manager that ends it.

    :param module: as ``python -m`` takes it.
    :param log: where its output goes, written over.
    :param environment: added to this process's own.
    """

    def __init__(
        self, module: str, words: Sequence[str], log: Path, environment: Mapping[str, str]
    ) -> None:
        self.name = module.rpartition('.')[2]
        self._log = log
        with log.open('wb') as output:
            self._process = subprocess.Popen(
                [sys.executable, '-m', module, *words],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, 'PYTHONUNBUFFERED': '1', **environment},
                start_new_session=True,  # Ctrl-C comes to us alone, and we end it
            )

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def wait_for(self, words: str, timeout_s: float) -> None:
        """Wait until the output has these words.

        :raises ChildProcessError: it ended before, or the time is up.
        """
        deadline = time.monotonic() + timeout_s
        while words not in self._output():
            if self.exit_code is not None:
                raise self.failure(f'ended with code {self.exit_code}')
            if time.monotonic() > deadline:
                raise self.failure(f"did not say '{words}' in {timeout_s:g} s")
            time.sleep(POLL_S)

    def end(self) -> int:
        """End it by SIGINT, by force where that does not help.

        :return: its exit code.
        """
        if self.exit_code is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return self._process.wait()

    def failure(self, what: str) -> ChildProcessError:
        """Say what happened, with the last lines of the output."""
        last = '\n  '.join(self._output().strip().splitlines()[-SHOWN_LINES:])
        return ChildProcessError(f'{self.name} {what} ({self._log}):\n  {last}')

    def _output(self) -> str:
        return self._log.read_text(encoding='utf-8', errors='replace')

    def __enter__(self) -> ChildProcess:
        return self

    def __exit__(self, *exception: object) -> None:
        self.end()
