"""The node's states by their services, what it subscribes to, and the ledger over all of that."""

import signal
import time

import cv2
import numpy as np
import pytest
from ros_bench import Camera, ask, image_message, pixels_of, stamp_of, wait_for

from stdc_core.engines import open_engine

NODE = 'segmentation_node'
SMALL = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)


@pytest.fixture(scope='module')
def node(start_node, model_path):
    # The oracle's own backend: random weights are near ties, where backends differ.
    node = start_node(model=model_path, backend='onnxruntime', threads=1, autostart=False)
    return node.wait_line('waiting to be configured')


@pytest.fixture(scope='module')
def change(bench, node):
    """Ask for a transition; whether it succeeded."""
    from lifecycle_msgs.srv import ChangeState

    def ask_for(label):
        request = ChangeState.Request()
        request.transition.label = label
        return bench.service(ChangeState, f'{NODE}/change_state', request).success

    return ask_for


@pytest.fixture(scope='module')
def state(bench, node):
    from lifecycle_msgs.srv import GetState

    def ask_for():
        request = GetState.Request()
        return bench.service(GetState, f'{NODE}/get_state', request).current_state.label

    return ask_for


@pytest.fixture(scope='module')
def set_parameters(bench, node):
    from rcl_interfaces.srv import SetParameters
    from rclpy.parameter import Parameter

    def set_them(**values):
        parameters = [Parameter(k, value=v).to_parameter_msg() for k, v in values.items()]
        request = SetParameters.Request(parameters=parameters)
        results = bench.service(SetParameters, f'{NODE}/set_parameters', request).results
        assert all(result.successful for result in results), results

    return set_them


@pytest.fixture
def active(change, state):
    """Bring the node up for the test, and down to unconfigured after it."""
    assert change('configure')
    assert change('activate')
    yield
    if state() == 'active':
        assert change('deactivate')
    assert change('cleanup')


@pytest.fixture
def make_camera(bench):
    cameras = []

    def make(**qos):
        cameras.append(Camera(bench, **qos))
        return cameras[-1]

    yield make
    for camera in cameras:
        camera.close()


@pytest.fixture
def masks(bench):
    from sensor_msgs.msg import Image

    collector = bench.collect(Image, f'{NODE}/mask')
    yield collector
    collector.close()


def ledger(diagnostics, matches=lambda ledger: True):
    """Return the ledger's counts as soon as they match."""

    def counts(values):
        keys = {key.removeprefix('frames '): key for key in values if key.startswith('frames ')}
        keys |= {'epochs': 'publisher epochs', 'balance': 'ledger balance'}
        return {
            name: None if values[key] == 'unknown' else int(values[key])
            for name, key in keys.items()
        }

    def found(level, message, values):
        return 'ledger balance' in values and matches(counts(values))

    return counts(diagnostics.wait('image', found, 'the ledger')[2])


def test_transitions_and_their_states(change, state, bench, node, diagnostics):
    topic = f'{bench.namespace}/image'
    mask = f'{bench.namespace}/{NODE}/mask'
    assert state() == 'unconfigured'
    assert not change('activate')
    for _ in range(2):
        assert change('configure')
        assert state() == 'inactive'
        assert bench.node.count_publishers(mask) == 1
        assert bench.node.count_subscribers(topic) == 0
        assert change('activate')
        assert state() == 'active'
        wait_for('the subscription', lambda: bench.node.count_subscribers(topic) == 1)
        assert change('deactivate')
        wait_for('its end', lambda: bench.node.count_subscribers(topic) == 0)
        assert change('cleanup')
        assert state() == 'unconfigured'
        wait_for('the end of the outputs', lambda: bench.node.count_publishers(mask) == 0)
    _, _, values = diagnostics.wait('engine', lambda *status: True, 'a status')
    assert values['lifecycle'] == 'unconfigured'


def test_a_bad_model_fails_configure_and_says_why(
    change, state, set_parameters, diagnostics, node, model_path, tmp_path
):
    bad = tmp_path / 'bad.onnx'
    bad.write_bytes(model_path.read_bytes()[:1000])
    for path, message in (
        (bad, f'{bad} is not a whole ONNX file'),
        (tmp_path / 'gone.onnx', f'cannot read model file {tmp_path / "gone.onnx"}'),
    ):
        set_parameters(model=str(path))
        assert not change('configure')
        assert state() == 'unconfigured'
        node.wait_line(f'configure failed: {message}')
        level, _, _ = diagnostics.wait(
            'engine', lambda *status, message=message: message in status[1], message
        )
        assert level == b'\x02'
    set_parameters(model=str(model_path))
    assert change('configure')
    assert change('cleanup')


def test_an_engine_that_cannot_run_here_fails_configure(change, set_parameters, node):
    set_parameters(precision='fp16')
    assert not change('configure')
    node.wait_line('computes in fp32 on the CPU, asked for fp16')
    set_parameters(precision='fp32')


@pytest.mark.parametrize('reliable', [True, False])
def test_auto_reliability_follows_the_publisher(active, make_camera, masks, reliable):
    camera = make_camera(reliable=reliable)
    expected = 'reliable' if reliable else 'best_effort'
    wait_for(expected, lambda: camera.reliability_of_node() == expected)
    ask(camera, image_message(SMALL), masks)


def test_auto_reliability_takes_what_all_publishers_offer(active, make_camera, masks):
    reliable = make_camera(reliable=True)
    wait_for('reliable', lambda: reliable.reliability_of_node() == 'reliable')
    best_effort = make_camera(reliable=False)
    wait_for('best effort', lambda: best_effort.reliability_of_node() == 'best_effort')
    ask(best_effort, image_message(SMALL), masks)
    ask(reliable, image_message(SMALL), masks)
    best_effort.close()
    wait_for('reliable again', lambda: reliable.reliability_of_node() == 'reliable')


def test_reliable_where_nobody_offers_it_is_said_aloud(
    change, set_parameters, make_camera, diagnostics
):
    set_parameters(reliability='reliable')
    assert change('configure')
    assert change('activate')
    make_camera(reliable=False)
    level, message, _ = diagnostics.wait(
        'image', lambda *status: status[2]['state'] == 'incompatible', 'incompatible'
    )
    assert level == b'\x02'
    assert 'offers best effort only' in message
    set_parameters(reliability='auto')
    assert change('deactivate')
    assert change('cleanup')


def test_states_of_a_camera_from_nobody_to_stalled(
    active, make_camera, masks, diagnostics, set_parameters
):
    def wait_state(state):
        diagnostics.wait('image', lambda *status: status[2]['state'] == state, state)

    set_parameters(stalled_after_s=0.5)
    wait_state('waiting')
    camera = make_camera().wait_matched()
    wait_state('silent')
    ask(camera, image_message(SMALL), masks)
    wait_state('stalled')
    set_parameters(stalled_after_s=2.0)


def test_compressed_images_are_decoded_as_opencv_does(
    change, set_parameters, make_camera, masks, model
):
    from sensor_msgs.msg import CompressedImage

    set_parameters(image_transport='compressed')
    assert change('configure')
    assert change('activate')
    camera = make_camera(message_type=CompressedImage, topic='image/compressed')
    _, jpeg = cv2.imencode('.jpg', SMALL)
    message = CompressedImage(format='bgr8; jpeg compressed bgr8')
    message.header.frame_id = 'front optical'
    message.data.frombytes(jpeg.tobytes())
    (mask,) = ask(camera, message, masks)
    assert mask.header.frame_id == 'front optical'
    with open_engine(model, 'onnxruntime', threads=1) as engine:
        expected = engine.infer(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), color_order='bgr').labels
    np.testing.assert_array_equal(pixels_of(mask), expected)
    set_parameters(image_transport='raw')
    assert change('deactivate')
    assert change('cleanup')


def test_a_restarted_publisher_is_another_epoch(active, make_camera, masks, diagnostics):
    for life in (1, 2, 3):
        camera = make_camera()
        wait_for('reliable', lambda camera=camera: camera.reliability_of_node() == 'reliable')
        for _ in range(3):
            ask(camera, image_message(SMALL), masks)
        camera.close()
        counts = ledger(diagnostics, lambda counts, life=life: counts['epochs'] == life)
        assert counts['balance'] == 0
    assert counts['published'] == counts['processed'] + counts['lost']


def test_two_publishers_are_told_apart_or_their_loss_is_unknown(
    active, make_camera, masks, diagnostics
):
    import rclpy

    cameras = [make_camera(), make_camera()]
    for camera in cameras:
        wait_for('reliable', lambda camera=camera: camera.reliability_of_node() == 'reliable')
    diagnostics.wait('image', lambda *status: True, 'a look at the publishers')
    for _ in range(3):
        for camera in cameras:
            ask(camera, image_message(SMALL), masks)
    counts = ledger(diagnostics, lambda counts: counts['processed'] >= 6)
    assert counts['balance'] == 0
    if hasattr(rclpy, 'InitContextManager'):  # Kilted says whose a message is
        assert counts['epochs'] == 2
        assert counts['published'] == counts['received'] + counts['lost']
    else:
        assert counts['published'] is counts['lost'] is None


def test_what_comes_while_inactive_is_counted_apart(
    active, change, make_camera, masks, diagnostics
):
    camera = make_camera()
    wait_for('reliable', lambda: camera.reliability_of_node() == 'reliable')
    ask(camera, image_message(SMALL), masks)
    assert change('deactivate')
    before = camera.published
    for _ in range(7):
        camera.publish(image_message(SMALL))
    assert change('activate')
    wait_for('reliable', lambda: camera.reliability_of_node() == 'reliable')
    ask(camera, image_message(SMALL), masks)
    sent_after = camera.published - before - 7
    counts = ledger(diagnostics, lambda counts: counts['while inactive'])
    assert counts['balance'] == 0
    # What was sent anew, before the node and the camera had found each other, is among them.
    assert 7 <= counts['while inactive'] <= 7 + sent_after
    assert counts['epochs'] == 1


def test_a_camera_faster_than_the_engine(
    change, set_parameters, make_camera, masks, diagnostics, bench
):
    """Every frame is accounted for, and no mask is older than a frame or two of the engine."""
    set_parameters(network_size=[256, 512])
    assert change('configure')
    assert change('activate')
    camera = make_camera()
    wait_for('reliable', lambda: camera.reliability_of_node() == 'reliable')
    message = image_message(SMALL)
    ask(camera, message, masks)
    before = ledger(diagnostics, lambda counts: counts['in flight'] == 0)
    masks.clear()
    stamps = []
    for _ in range(150):
        stamps.append(stamp_of(camera.publish(message)))
        time.sleep(0.01)
    masks.wait('the last mask', lambda mask: stamp_of(mask) == stamps[-1])

    counts = ledger(diagnostics, lambda counts: counts['in flight'] == 0)
    assert counts['balance'] == 0
    new = {name: counts[name] - before[name] for name in counts}
    assert new['published'] == 150  # what the camera knows to have published
    assert new['processed'] + new['replaced'] + new['lost'] == 150
    assert new['replaced'] + new['lost'] > 0
    assert new['processed'] >= len(masks.messages)

    times = np.array(masks.times, np.float64) / 1e9
    published = np.array([sec + nanosec / 1e9 for sec, nanosec in map(stamp_of, masks.messages)])
    assert (np.diff(published) > 0).all()
    latency, period = np.median(times - published), np.median(np.diff(times))
    assert latency < 2.5 * period  # with a queue of ten it is eleven
    set_parameters(network_size=[0, 0])
    assert change('deactivate')
    assert change('cleanup')


def test_no_output_of_the_node_is_an_error_of_python(node):
    assert 'Traceback' not in node.output


def test_shutdown_frees_everything_and_the_process_still_ends(change, state, node):
    assert change('configure')
    assert change('activate')
    assert change('shutdown')
    assert state() == 'finalized'
    node.send_signal(signal.SIGINT)
    assert node.wait_end(10) == 0, node.output
