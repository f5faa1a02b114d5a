"""Set-up of a process that sends or receives images, before rclpy.init()."""

import os
from pathlib import Path

import rclpy

from stdc_core.memory import keep_freed_memory

SHARED_MEMORY_PROFILE = Path(__file__).with_name('fastdds_shared_memory.xml')
PROFILE_VARIABLES = ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE')
KEPT_MEMORY = 512 << 20  # bytes


def tune_transport() -> None:
    """Let images through without loss and without a page fault a page; call before rclpy.init().

    Fast DDS gets the shared-memory profile, unless the environment names one already. malloc keeps
    blocks of up to 32 MiB: by default it gives a freed image back to the kernel, which then clears
    every page of the next one. Other middleware and other C libraries are left as they are.
    """
    if not any(os.environ.get(name) for name in PROFILE_VARIABLES):
        # Kilted brought the context manager of rclpy.init() and Fast DDS 3 with the first name; it
        # warns of the second, which is the only one that earlier ones know.
        kilted = hasattr(rclpy, 'InitContextManager')
        os.environ[PROFILE_VARIABLES[0 if kilted else 1]] = str(SHARED_MEMORY_PROFILE)
    keep_freed_memory(KEPT_MEMORY)
