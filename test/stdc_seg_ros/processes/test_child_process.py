"""Processes of our own, with small scripts in place of node and player."""

import os
import signal

import pytest

from stdc_seg_ros.processes.child_process import ChildProcess, ChildProcessError

SCRIPT = """
import signal, sys, time
def end(*_):
    print('ended by a signal')
    sys.exit(0)
signal.signal(signal.SIGINT, end)
print('ready')
time.sleep(60)
"""


@pytest.fixture
def start(tmp_path, monkeypatch):
    def run(script: str) -> ChildProcess:
        (tmp_path / 'some_child.py').write_text(script)
        environment = {'PYTHONPATH': str(tmp_path), 'MARK': 'of the test'}
        return ChildProcess('some_child', [], tmp_path / 'child.log', environment)

    return run


def test_it_is_waited_for_and_ended_by_sigint(start, tmp_path):
    with start(SCRIPT) as child:
        child.wait_for('ready', 30)
        assert child.exit_code is None
        assert child.end() == 0
    assert (tmp_path / 'child.log').read_text() == 'ready\nended by a signal\n'


def test_it_is_gone_when_the_block_ends(start):
    child = start(SCRIPT)

    def fail() -> None:
        with child:
            child.wait_for('ready', 30)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert child.exit_code == 0


def test_one_that_does_not_listen_is_killed(start, monkeypatch):
    monkeypatch.setattr('stdc_seg_ros.processes.child_process.END_S', 0.3)
    with start(SCRIPT.replace('end)', 'signal.SIG_IGN)')) as child:
        child.wait_for('ready', 30)
        assert child.end() == -signal.SIGKILL


def test_one_that_ends_early_is_named_with_its_last_lines(start):
    script = "print('x' * 10)\nraise SystemExit('no such model')"
    with start(script) as child, pytest.raises(ChildProcessError) as failure:
        child.wait_for('ready', 30)
    message = str(failure.value)
    assert 'some_child ended with code 1' in message
    assert 'no such model' in message
    assert 'child.log' in message


def test_one_that_never_says_it_is_not_waited_for_for_ever(start):
    with start(SCRIPT) as child, pytest.raises(ChildProcessError, match="did not say 'active'"):
        child.wait_for('active', 0.5)


def test_it_has_the_environment_it_was_given(start, tmp_path):
    with start("import os; print(os.environ['MARK'], os.environ['PATH'])") as child:
        child.wait_for('of the test', 30)
    assert os.environ['PATH'] in (tmp_path / 'child.log').read_text()
