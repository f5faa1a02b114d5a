"""ROS in tests: nothing leaves the machine, and no other test run is met."""

import logging
import os

import pytest

os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
os.environ['ROS_DOMAIN_ID'] = str(1 + os.getpid() % 100)


@pytest.fixture(scope='session')
def ros_context():
    """Open a context of ROS that nothing spins in."""
    import rclpy
    from rclpy.context import Context

    context = Context()
    rclpy.init(context=context)
    yield context
    context.try_shutdown()


@pytest.fixture
def make_node(ros_context):
    """Make lifecycle nodes with parameters given as by a file."""
    from rclpy.lifecycle import LifecycleNode
    from rclpy.parameter import Parameter

    nodes = []

    def make(**parameters):
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        name = f'unit_p{os.getpid()}'
        nodes.append(LifecycleNode(name, context=ros_context, parameter_overrides=overrides))
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()


@pytest.fixture(scope='module', autouse=True)
def _loggers_as_they_were():
    """Give the packages' loggers back, which a node takes for as long as its process runs."""
    packages = [logging.getLogger(name) for name in ('stdc_core', 'stdc_seg_ros')]
    before = [(package.handlers, package.level, package.propagate) for package in packages]
    yield
    for package, (handlers, level, propagate) in zip(packages, before, strict=True):
        package.handlers, package.propagate = handlers, propagate
        package.setLevel(level)
