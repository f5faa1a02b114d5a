"""Signals at random moments, while it starts and while it works; it is started anew each time."""

import random
import signal
import time

import pytest
from faults.respawn import Respawn
from faults.scene import RESPAWN_S

END_S = 10.0
LATEST_S = 8.0  # after its start; a node alone is active after three, beside a training after ten
# Before ROS took over the signals a process ends as any of Python does.
CODES = {
    signal.SIGINT: {0, 1, 130, -signal.SIGINT},
    signal.SIGTERM: {0, 1, 143, -signal.SIGTERM},
    signal.SIGKILL: {-signal.SIGKILL},
}
NOISE = ('Traceback', 'abort', 'terminate called', 'InvalidHandle', 'RCLError')


@pytest.fixture(scope='module')
def respawn(start_faulty):
    # A shell's background process has it ignored, and hands that on to its children.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    respawn = Respawn(start_faulty)
    respawn.node.wait_line('active: ')
    yield respawn
    respawn.close()


@pytest.mark.slow
@pytest.mark.parametrize('number', CODES, ids=lambda number: number.name)
def test_signal_at_a_random_moment(respawn, make_scene, record, number):
    scene = make_scene().begin()
    node = respawn.node
    moments = random.Random()
    for moment_s in (moments.uniform(0, 0.2), moments.uniform(0, LATEST_S)):
        time.sleep(moment_s)
        was_active = 'active: ' in node.output
        node.send_signal(number)
        sent = time.monotonic()
        code = respawn.wait_end(node)
        ended_ns = time.time_ns()
        record.end_s.append(time.monotonic() - sent)
        assert record.end_s[-1] < 2 * END_S
        assert code in ({0, -signal.SIGKILL} if was_active else CODES[number]), node.output
        if was_active:
            assert not [noise for noise in NOISE if noise in node.output], node.output
        node = respawn.wait_next(node)  # the second moment is one of its start
    scene.recover(RESPAWN_S, ended_ns)
    scene.end(same_publisher=False)
