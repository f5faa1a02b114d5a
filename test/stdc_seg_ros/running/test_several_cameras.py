"""Three cameras at one engine: a flood, a slow one and a dead one."""

import threading

import numpy as np
import pytest
from ros_bench import Camera, ask, image_message, pixels_of, stamp_of

from stdc_core.engines import open_engine

NODE = 'segmentation_node'
FRAMES = 12
NETWORK = (192, 320)  # so large that no processor keeps up with the flood


@pytest.fixture(scope='module')
def node(start_node, model_path):
    node = start_node(
        model=model_path,
        backend='onnxruntime',
        threads=1,
        network_size=list(NETWORK),
        cameras='[front, left, rear]',
        reliability='reliable',
        max_lost_share=1.0,  # the flood is so fast that images are lost on the way
    )
    return node.wait_line('active: ')


@pytest.fixture
def flood(bench, node):
    """Publish on ``front/image`` far faster than any engine works, until the end of the test."""
    camera = Camera(bench, topic='front/image').wait_matched()
    message = image_message(np.full((60, 80, 3), 200, np.uint8))
    end = threading.Event()

    def publish():
        while not end.wait(0.003):
            camera.publish(message)

    thread = threading.Thread(target=publish)
    thread.start()
    yield camera
    end.set()
    thread.join()


def test_no_camera_holds_up_another(bench, node, flood, model, diagnostics):
    from sensor_msgs.msg import Image

    rng = np.random.default_rng(0)
    slow = Camera(bench, topic='left/image').wait_matched()
    masks = bench.collect(Image, f'{NODE}/left/mask')
    bench.collect(Image, f'{NODE}/front/mask').wait('mask of the flood')
    ask(slow, image_message(np.zeros((90, 170, 3), np.uint8)), masks)
    asked = slow.published
    with open_engine(model, 'onnxruntime', size=NETWORK, threads=1) as engine:
        for _ in range(FRAMES):
            pixels = rng.integers(0, 256, (90, 170, 3), dtype=np.uint8)
            stamp = stamp_of(slow.publish(image_message(pixels)))
            mask = masks.wait('mask', lambda message, stamp=stamp: stamp_of(message) == stamp)
            np.testing.assert_array_equal(
                pixels_of(mask), engine.infer(pixels, color_order='rgb').labels
            )

    def is_counted(level, message, values):
        return int(values['frames processed']) > FRAMES and values['frames in flight'] == '0'

    _, _, left = diagnostics.wait('left', is_counted, 'all frames of the slow camera')
    assert left['frames lost'] == left['ledger balance'] == '0'
    assert int(left['frames replaced']) < asked  # none of those that waited for their mask
    _, _, front = diagnostics.wait('front', lambda *_: True, 'the flood')
    assert front['state'] == 'running'
    assert int(front['frames replaced']) > int(front['frames processed']) > 0
    assert front['ledger balance'] == '0'
    level, message, rear = diagnostics.wait('rear', lambda *_: True, 'the dead camera')
    assert (level, rear['state'], rear['frames received']) == (b'\x01', 'waiting', '0')
    assert message == f'nobody publishes {bench.namespace}/rear/image'
    node.wait_line(f'active: {bench.namespace}/front/image, {bench.namespace}/left/image, ')
