"""One scenario: a camera, its masks, a fault, who names it, and how long all that takes."""

import random
import time

from faults.scripted_camera import ScriptedCamera, make_pictures
from ros_bench import stamp_of, wait_for

NODE = 'segmentation_node'
OK, WARN, ERROR = b'\x00', b'\x01', b'\x02'
NANOSECONDS = 1_000_000_000
DETECT_S = 2.0  # for diagnostics to name a fault
# The same as messages of diagnostics, one a second: on a machine that keeps this test waiting the
# clock says nothing of the node. The first may have been on its way.
DETECT_MESSAGES = 3
RECOVER_S = 5.0  # until masks of fresh images come again; twice that fails a test, as above
RESPAWN_S = 30.0  # the same where the process starts anew, from its end


class Scene:
    """What one test needs; :meth:`begin`, the fault, :meth:`detect`, :meth:`recover`, :meth:`end`.

    :param record: where the times go.
    """

    def __init__(self, bench, diagnostics, truth, record):
        from sensor_msgs.msg import Image

        self.bench, self._diagnostics, self.truth, self._record = bench, diagnostics, truth, record
        self.masks = bench.collect(Image, f'{NODE}/mask', depth=1000)
        self.camera = ScriptedCamera(bench, truth)
        self._before = None
        self.fault_ns = 0

    def begin(self):
        """Let the camera run until its masks come and the diagnostics are glad of them."""
        self.camera.wait_matched()
        self.answer()
        self._before = self._count()
        self.camera.start()
        self.wait_state('running', OK)
        time.sleep(random.random())  # not always just after a message of the diagnostics
        return self

    def fault(self):
        """Tell that the fault begins now."""
        self.fault_ns = time.time_ns()

    def detect(self, state, level=ERROR, words='', task='image'):
        """Wait until the diagnostics name the fault: within two seconds."""
        time_ns, _ = found = wait_for(
            lambda: f'{state} {words}: {self._diagnostics.newest(task)}',
            lambda: self._first(self.fault_ns, task, state, level, words),
        )
        detect_s = (time_ns - self.fault_ns) / NANOSECONDS
        messages = [when for when, _ in self._diagnostics.since(self.fault_ns, task)]
        assert detect_s <= DETECT_S or messages.index(time_ns) < DETECT_MESSAGES, detect_s
        self._record.detect_s.append(detect_s)
        return found[1]

    def recover(self, within_s=RECOVER_S, since_ns=None):
        """Wait until the mask of an image of after the fault is here, and diagnostics are glad.

        :param within_s: the stated time; twice that fails the test.
        :param since_ns: when the fault ended; now where not given.
        """
        since_ns = time.time_ns() if since_ns is None else since_ns
        mask = self.masks.wait(
            'mask of a fresh image',
            lambda mask: stamp_of(mask) > divmod(since_ns, NANOSECONDS),
        )
        came_ns = self.masks.sent[self.masks.messages.index(mask)]
        recover_s = (came_ns - since_ns) / NANOSECONDS
        assert recover_s <= 2 * within_s
        self._record.recover_s.append(recover_s)
        found_ns, _ = wait_for(
            lambda: f'running: {self._diagnostics.newest("image")}',
            lambda: self._first(since_ns, 'image', 'running', OK, ''),
        )
        self._record.clear_s.append((found_ns - since_ns) / NANOSECONDS)

    def settle(self):
        """Stop the camera and wait for its last mask."""
        self.camera.stop()
        newest = self.camera.newest
        self.masks.wait('the last mask', lambda mask: stamp_of(mask) == newest)

    def wait_state(self, state, level):
        self._diagnostics.wait(
            'image', lambda *status: (status[2]['state'], status[0]) == (state, level), state
        )

    def answer(self):
        """Show one image and wait for its mask, again and again until it comes."""
        picture = make_pictures()[0]

        def shown():
            stamp = stamp_of(self.camera.show(picture))
            try:
                return _until(lambda: stamp in map(stamp_of, list(self.masks.messages)), 1.0)
            except TimeoutError:
                return False

        wait_for('a mask', shown)

    def counts(self):
        """Return the ledger's, once nothing is in flight."""
        _, _, values = self._diagnostics.wait(
            'image', lambda *status: status[2].get('frames in flight') == '0', 'a ledger at rest'
        )
        counts = {
            key.removeprefix('frames '): int(value)
            for key, value in values.items()
            if key.startswith('frames ') and value != 'unknown'
        }
        assert values['ledger balance'] == '0'
        return counts

    def end(self, *, same_publisher=True, one_camera=True):
        """Check the ledger against what the camera knows, and every mask against its image.

        :param same_publisher: was there only this camera, all the time, and one node?
        :param one_camera: at a time.
        :return: what became of the frames since :meth:`begin`.
        """
        self.camera.stop()
        self.answer()
        counts, published = self._count()
        before, published_before = self._before
        new = {name: counts[name] - before.get(name, 0) for name in counts}
        if same_publisher:
            assert new['published'] == published - published_before
            outcomes = ('processed', 'replaced', 'rejected', 'failed', 'lost')
            assert sum(new[name] for name in outcomes) == new['published']
        self.truth.check(list(self.masks.messages), one_camera=one_camera)
        return new

    def close(self):
        self.camera.close()
        self.masks.close()

    def _count(self):
        return self.counts(), self.camera.published

    def _first(self, since_ns, task, state, level, words):
        return next(
            (
                (time_ns, told)
                for time_ns, told in self._diagnostics.since(since_ns, task)
                if told[0] == level
                and words in told[1]
                and (not state or told[2].get('state') == state)
            ),
            None,
        )


def _until(condition, timeout_s):
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)
    return found
