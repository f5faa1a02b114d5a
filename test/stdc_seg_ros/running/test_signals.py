"""However it is told to end, the process does: at once, with code 0 and without noise."""

import signal
import threading

import numpy as np
import pytest
from ros_bench import Camera, image_message

END_S = 5  # seconds it may take, once ready
NOISE = ('Traceback', 'abort', 'terminate called', 'Failed to', 'InvalidHandle', 'RCLError')
SMALL = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)


@pytest.fixture
def load(bench):
    """Run a camera far faster than the engine, and subscribers to much, until the test ends."""
    from sensor_msgs.msg import Image

    collectors = [
        bench.collect(Image, f'segmentation_node/{name}', depth=1)
        for name in ('mask', 'detail', 'confidence', 'overlay')
    ]
    camera, stop = Camera(bench), threading.Event()

    def publish():
        message = image_message(SMALL)
        while not stop.wait(0.01):
            camera.publish(message)

    thread = threading.Thread(target=publish)
    thread.start()
    yield collectors[0]
    stop.set()
    thread.join()
    camera.close()
    for collector in collectors:
        collector.close()


def check_end(node, number):
    node.send_signal(number)
    assert node.wait_end(END_S) == 0, node.output
    assert not [noise for noise in NOISE if noise in node.output], node.output


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_ends_when_idle(start_node, model_path, number):
    check_end(start_node(model=model_path).wait_line('active: '), number)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_ends_under_load(start_node, model_path, load, number):
    node = start_node(model=model_path).wait_line('active: ')
    load.wait('a mask')
    check_end(node, number)


def test_ends_on_a_signal_after_another(start_node, model_path):
    node = start_node(model=model_path).wait_line('active: ')
    for _ in range(3):
        node.send_signal(signal.SIGINT)
    check_end(node, signal.SIGTERM)


def test_ends_while_it_configures(start_node, model_path):
    """The engine of a larger input takes a while to be compiled; the code may be another then."""
    node = start_node(model=model_path, network_size='[1024,2048]')
    node.wait_line('opening the engine')
    node.send_signal(signal.SIGTERM)
    node.wait_end(20)
    assert 'active: ' not in node.output
    assert 'Traceback' not in node.output
    assert 'terminate called' not in node.output


def test_wrong_parameters_end_it_in_one_line(start_node):
    node = start_node(threads=-1)
    assert node.wait_end(120) == 1
    (line,) = node.output.splitlines()
    assert "parameter 'threads'" in line
    assert '-1' in line


@pytest.mark.slow
@pytest.mark.parametrize('attempt', range(10))
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_ends_twenty_times(start_node, model_path, load, number, attempt):
    node = start_node(model=model_path).wait_line('active: ')
    load.wait('a mask')
    check_end(node, number)
