"""Images that contradict themselves: each is rejected and named, and the next good one is not."""

import os
import time

import pytest
from faults.scene import ERROR, WARN
from faults.scripted_camera import make_pictures
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ros_bench import image_message, wait_for

from stdc_seg_ros.image_messages.encodings import ENCODINGS

LARGEST = 2**32 - 1
PAUSE_S = 0.03
PICTURE = make_pictures()[0]


def bad(**changes):
    message = image_message(PICTURE)
    for name, value in changes.items():
        setattr(message, name, value)
    return message


def with_data(count):
    message = image_message(PICTURE)
    message.data = (bytes(message.data) * 2)[:count]
    return message


WHOLE = 60 * 80 * 3
BAD = {
    'no pixels': lambda: bad(width=0, height=0, step=0, data=b''),
    'no width': lambda: bad(width=0),
    'no data': lambda: with_data(0),
    'truncated': lambda: with_data(WHOLE - 1),
    'over-long': lambda: with_data(WHOLE + 1),
    'step too small': lambda: bad(step=239),
    'step too large': lambda: bad(step=LARGEST),
    'height too large': lambda: bad(height=LARGEST),
    'all too large': lambda: bad(height=LARGEST, width=LARGEST, step=LARGEST),
    'unknown encoding': lambda: bad(encoding='rgb88'),
    'no encoding': lambda: bad(encoding=''),
    'odd for nv12': lambda: bad(encoding='nv12', width=81),
}


@pytest.mark.slow
@pytest.mark.parametrize('kind', BAD)
def test_bad_message(scene, kind):
    """A single one, between good ones, is named for five seconds."""
    scene.settle()
    scene.fault()
    scene.camera.send(BAD[kind]())
    time.sleep(0.5)  # else the next image may take its place
    scene.camera.start()
    scene.detect('rejected', WARN, '1 of ')
    scene.recover()
    counts = scene.end()
    assert (counts['rejected'], counts['failed']) == (1, 0)


@pytest.mark.slow
def test_nothing_but_bad_messages(scene):
    scene.camera.make_message = BAD['truncated']
    scene.fault()
    scene.detect('rejected', ERROR, 'expected 14400 bytes')
    scene.camera.make_message = None
    scene.recover()
    counts = scene.end()
    assert counts['failed'] == 0
    assert counts['rejected'] > 0


@st.composite
def random_messages(draw):
    """Mostly small numbers, where size, step and data nearly fit; at times any."""
    from sensor_msgs.msg import Image

    side = st.integers(0, 12) | st.integers(0, LARGEST)
    encoding = draw(st.sampled_from(sorted(ENCODINGS)) | st.text(max_size=12))
    height, width, step = (
        draw(side),
        draw(side),
        draw(st.integers(0, 80) | st.integers(0, LARGEST)),
    )
    fitting = min(height * step, 4096)
    count = draw(st.sampled_from([0, fitting, fitting * 3 // 2, fitting * 3, fitting + 1]))
    message = Image(height=height, width=width, step=step, encoding=encoding.replace('\0', ''))
    message.is_bigendian = draw(st.integers(0, 255))
    message.data = draw(st.binary(min_size=count, max_size=count))
    return message


@pytest.mark.slow
def test_random_messages(scene):
    """Send random messages, after each a good one, whose mask has to come."""
    examples = int(os.environ.get('FAULTS_EXAMPLES', '400'))
    scene.settle()
    outcomes = ('processed', 'rejected', 'failed', 'replaced', 'lost')
    pause_s = PAUSE_S

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # one that breaks the node cannot be shrunk: it is gone
        suppress_health_check=list(HealthCheck),
    )
    @given(random_messages())
    def send(message):
        nonlocal pause_s
        scene.camera.send(message)
        time.sleep(pause_s)  # else the good one takes its place before anybody looks at it
        shown = time.monotonic()
        stamp = scene.camera.show(PICTURE).header.stamp
        wait_for(
            lambda: f'a mask after {message}',
            lambda: any(mask.header.stamp == stamp for mask in list(scene.masks.messages[-3:])),
        )
        pause_s = max(PAUSE_S, 2 * (time.monotonic() - shown))

    send()
    # What happens to be an image has its mask, without a stamp; its pixels are another test's.
    scene.truth.check([mask for mask in scene.masks.messages if mask.header.stamp.sec])
    scene.masks.clear()
    scene.camera.start()
    scene.recover()
    counts = scene.end()
    assert counts['failed'] == 0
    assert counts['rejected'] > examples // 4
    assert sum(counts[name] for name in outcomes) == counts['published'] > 2 * examples
