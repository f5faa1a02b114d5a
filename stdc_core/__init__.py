"""STDC-Seg without ROS: networks, model files, engines, upsampling.

Importing this package forbids OpenVINO and nncf their telemetry: both send usage events over the
network on import, unless importing ``openvino_telemetry`` fails.
"""

import sys

__version__ = '0.1.0'

sys.modules['openvino_telemetry'] = None  # type: ignore[assignment]  # import raises ImportError
