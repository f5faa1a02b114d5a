"""A ROS domain for processes that are to meet each other and nobody else."""

import os


def private_domain() -> dict[str, str]:
    """Environment of it: nothing leaves the machine or meets other nodes there."""
    return {
        'ROS_DOMAIN_ID': str(1 + os.getpid() % 100),
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
    }
