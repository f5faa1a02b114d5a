"""STDC-Seg without ROS: networks, model files, engines, upsampling.

Importing this package forbids OpenVINO, nncf and ONNX Runtime their telemetry. The first two send
usage events over the network on import, unless importing ``openvino_telemetry`` fails. ONNX
Runtime (1.32, on Linux too) writes an identifier to ``~/.cache/Microsoft`` and sends events,
unless it finds the variable below when it is imported.
"""

import os
import sys

__version__ = '0.1.0'

sys.modules['openvino_telemetry'] = None  # type: ignore[assignment]  # import raises ImportError
os.environ['ORT_DISABLE_TELEMETRY'] = '1'  # child processes inherit it
