"""What hangs is named, ends the process by the watchdog, and is started anew."""

import ast
import re
import time

import pytest
from faults.respawn import DELAY_S, Respawn
from faults.scene import ERROR, NANOSECONDS, RESPAWN_S
from ros_bench import ROOT

WATCHDOG_S = 3.0
END_S = WATCHDOG_S + 2.0  # as docs/reliability.md states; twice that fails the test
# How the fault is named in the diagnostics, if they can come still, and in the log at the end.
FAULTS = {
    'hang': ('stuck', 'the engine has worked on one image for 3'),
    'hang with the GIL': (None, 'Timeout (0:00:04)!'),
    'end the thread': ('stuck', 'the inference thread has ended by itself'),
    'hang the executor': (None, 'the executor has not come back for'),
}


@pytest.fixture(scope='module')
def respawn(start_faulty):
    respawn = Respawn(lambda: start_faulty(watchdog_s=WATCHDOG_S))
    respawn.node.wait_line('active: ')
    yield respawn
    respawn.close()


def ledger_in(log):
    """Read the ledger that the node wrote at its end."""
    (line,) = re.findall(r'published \d+ = .* in flight \d+', log)
    return {name.strip(): int(count) for name, count in re.findall(r'([a-z ]+[a-z]) (\d+)', line)}


@pytest.mark.parametrize(
    'kind',
    [pytest.param(kind, marks=[] if kind == 'hang' else pytest.mark.slow) for kind in FAULTS],
)
def test_hanging(respawn, make_scene, fault, record, kind):
    state, words = FAULTS[kind]
    node = respawn.node
    scene = make_scene().begin()
    fault.write_text(kind)
    scene.fault()
    if state is not None and kind != 'end the thread':  # which ends the process within a second
        _, message, _ = scene.detect(state, ERROR)
        assert 'at 3 s (watchdog_s) the process ends' in message
    assert respawn.wait_end(node) == 1
    ended_ns = time.time_ns()
    fault.write_text('')
    record.end_s.append((ended_ns - scene.fault_ns) / NANOSECONDS)
    assert record.end_s[-1] < 2 * END_S
    respawn.wait_next(node).wait_line('active: ')
    assert words in node.output
    assert 'most recent call first' in node.output  # where every thread was
    if 'GIL' not in kind:
        counts = ledger_in(node.output)
        assert counts.pop('published') == sum(counts.values())
        assert counts['in flight'] >= (kind != 'hang the executor')
    scene.recover(RESPAWN_S, ended_ns)
    scene.end(same_publisher=False)


def test_respawn_waits_as_the_launch_file_does():
    tree = ast.parse((ROOT / 'launch/segment.launch.py').read_text())
    delays = [
        word.value.value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for word in call.keywords
        if word.arg == 'respawn_delay'
    ]
    assert delays == [DELAY_S]
