"""A camera of known pictures, and masks that have to be those of their stamps."""

import threading
import time

import numpy as np
from ros_bench import Camera, image_message, pixels_of, stamp_of, wait_for

RATE_HZ = 15
SIZE = (60, 80)
COUNT = 4  # of the pictures, shown in turn: a mask of another image than its header's is seen


def make_pictures(size=SIZE):
    """Noise over a slope that wanders, so that several classes win; RGB."""
    rng = np.random.default_rng(3)
    slope = np.linspace(0, 190, size[1])[:, None]
    return [
        (rng.integers(0, 65, (*size, 3)) + np.roll(slope, 20 * number, axis=0)).astype(np.uint8)
        for number in range(COUNT)
    ]


class Truth:
    """Which mask is due for which stamp; any thread may ask.

    :param engine: the node's own backend: random weights are near ties, where backends differ.
    """

    def __init__(self, engine):
        self._engine = engine
        self._lock = threading.Lock()
        self._labels = {}
        self._due = {}  # by stamp: number in the order of publication, labels, frame_id

    def expect(self, message, pixels):
        """Take down what a message is to become, before it is published."""
        with self._lock:
            key = pixels.shape, pixels.tobytes()
            if key not in self._labels:
                found = self._engine.infer(pixels, color_order='rgb').labels
                self._labels[key] = found.copy()
            frame_id = message.header.frame_id
            self._due[stamp_of(message)] = len(self._due), self._labels[key], frame_id

    def check(self, masks, *, one_camera=True):
        """Each mask once, in order, of its own image: nothing stale, nothing invented.

        :param one_camera: else there is no order among the images of several.
        """
        due = [self._due.get(stamp_of(mask)) for mask in masks]
        assert None not in due
        numbers = [number for number, _, _ in due]
        assert len(numbers) == len(set(numbers))
        assert not one_camera or numbers == sorted(numbers)
        for mask, (_, labels, frame_id) in zip(masks, due, strict=True):
            assert mask.header.frame_id == frame_id
            np.testing.assert_array_equal(pixels_of(mask), labels)


class ScriptedCamera:
    """Publishes the pictures in turn from a thread, while it is started.

    :param truth: told of every image.
    """

    def __init__(self, bench, truth, rate_hz=RATE_HZ):
        self._truth = truth
        self._stop = threading.Event()
        self._thread = None
        self.rate_hz = rate_hz
        self.make_message = None  # sent instead of the pictures
        self.newest = None  # stamp of the newest picture
        self._camera = Camera(bench)

    @property
    def published(self):
        return self._camera.published

    def wait_matched(self):
        wait_for('the node', lambda: self._camera.reliability_of_node() == 'reliable')
        return self

    def show(self, pixels, **form):
        """Publish one image, stamped now; ``form`` as :func:`image_message` takes it."""
        message = image_message(pixels, **form)
        now = time.time_ns()
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(now, 1_000_000_000)
        rgb = pixels if message.encoding == 'rgb8' else pixels[..., ::-1].copy()
        self._truth.expect(message, rgb)
        self.newest = stamp_of(message)
        self.send(message)
        return message

    def send(self, message):
        """Publish a message as it is, whatever it is."""
        self._camera._publisher.publish(message)
        self._camera.published += 1

    def start(self):
        self._stop.clear()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self):
        """Publish no more, but stay; a second call does nothing."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None

    def close(self):
        self.stop()
        self._camera.close()

    def _run(self):
        pictures, number = make_pictures(), 0
        while not self._stop.wait(1 / self.rate_hz):
            if self.make_message is None:
                self.show(pictures[number % COUNT])
            else:
                self.send(self.make_message())
            number += 1
