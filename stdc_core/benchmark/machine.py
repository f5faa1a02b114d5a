"""What a measurement was made on."""

import importlib.metadata
import os
import platform
from typing import Any

from stdc_core.processor import processor_name

PACKAGES = ('numpy', 'opencv-python-headless', 'numba', 'openvino', 'onnxruntime', 'torch')


def machine() -> dict[str, Any]:
    """Describe processor, load, system and versions, as plain data."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = 'not installed'
    return {
        'processor': processor_name(),
        'cores': len(os.sched_getaffinity(0)),
        'load before': os.getloadavg()[0],
        'system': platform.platform(),
        'python': platform.python_version(),
        'versions': versions,
    }
