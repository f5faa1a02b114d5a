"""Name of the processor, for reports."""

import platform
from pathlib import Path


def processor_name() -> str:
    """Find what the processor calls itself; its architecture where it does not say."""
    try:
        lines = Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines()
    except OSError:
        lines = []
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.machine()
