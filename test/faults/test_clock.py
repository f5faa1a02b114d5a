"""A clock that stands still and jumps: diagnostics say so, and masks come on steady time."""

import pytest
from faults.scene import OK
from ros_bench import wait_for


@pytest.fixture(scope='module')
def node(start_faulty):
    return start_faulty(use_sim_time=True).wait_line('active: ')


@pytest.fixture
def show_clock(bench, node):
    from rosgraph_msgs.msg import Clock

    publisher = bench.call(lambda: bench.node.create_publisher(Clock, '/clock', 10))
    wait_for('the node', publisher.get_subscription_count)

    def show(second):
        message = Clock()
        message.clock.sec = second
        publisher.publish(message)

    yield show
    bench.call(lambda: bench.node.destroy_publisher(publisher))


@pytest.mark.slow
def test_clock_stands_still_and_jumps(node, make_scene, show_clock, diagnostics):
    scene = make_scene().begin()
    for second in (1000, 1001, 1002):
        show_clock(second)
    wait_for('the clock', lambda: diagnostics.newest('engine')[2]['clock'] == '/clock')
    wait_for(
        'the clock that stands still',
        lambda: diagnostics.newest('engine')[2]['clock'] == '/clock, which stands still',
    )
    scene.wait_state('running', OK)  # images come all the same
    for second in (2000, 2001, 5, 6, 9000):
        show_clock(second)
        scene.recover()
    counts = scene.end()
    assert counts['failed'] == counts['rejected'] == 0
    assert node.exit_code is None
