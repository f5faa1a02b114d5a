"""What Python's loggers say goes to the node's log, and to standard error when that is gone."""

import logging

from stdc_seg_ros.core_log import log_to_ros


def test_every_level_comes_out_in_the_nodes_log(make_node, capfd):
    log_to_ros(make_node())
    logger = logging.getLogger('stdc_core.engines')
    for level in ('info', 'warning', 'error', 'critical'):
        getattr(logger, level)(f'{level} of the core')
    said = capfd.readouterr().err
    for word, level in (('INFO', 'info'), ('WARN', 'warning'), ('ERROR', 'error')):
        assert any(f'[{word}]' in line and f'{level} of' in line for line in said.splitlines())
    assert '[FATAL]' in said


def test_after_the_end_it_still_says_what_happens(capfd):
    """A thread that outlives the node: its context is gone, and so is the node."""
    import rclpy
    from rclpy.context import Context

    context = Context()
    rclpy.init(context=context)
    node = rclpy.create_node('gone', context=context)
    log_to_ros(node)
    node.destroy_node()
    context.try_shutdown()
    logging.getLogger('stdc_seg_ros.engine_pair').error('no detail map')
    assert '[gone]: no detail map' in capfd.readouterr().err
