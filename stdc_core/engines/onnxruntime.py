"""ONNX Runtime on the CPU: runs nearly everywhere, and is the oracle of the other engines."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from stdc_core.engines.base import (
    EngineUnavailableError,
    InferenceEngine,
    NetworkOutput,
)
from stdc_core.model_file import logit_grid
from stdc_core.processor import processor_name

try:
    import onnxruntime as ort
except ImportError as error:
    raise EngineUnavailableError(
        'the onnxruntime engine needs: pip install onnxruntime'
    ) from error


class ONNXRuntimeEngine(InferenceEngine):
    """One session on the CPU provider, bound to buffers of this engine."""

    backend: ClassVar[str] = 'onnxruntime'

    _session: 'ort.InferenceSession | None' = None

    def _open(self) -> None:
        if self.precision != 'fp32':
            raise EngineUnavailableError(
                f'the onnxruntime engine computes in fp32 on the CPU, asked for {self.precision}'
            )
        options = ort.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors
        # Spinning threads would take the cores from the ROS threads between frames.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        graph = self.model.static_graph(self.size, detail=self.detail)
        self._session = ort.InferenceSession(graph, options, providers=['CPUExecutionProvider'])
        grid, classes = logit_grid(self.size), len(self.model.metadata.labels)
        self._outputs = {'logits': np.empty((1, classes, *grid), np.float32)}
        if self.detail:
            self._outputs['detail'] = np.empty((1, 1, *grid), np.float32)
        self._binding = self._session.io_binding()
        self._binding.bind_input(
            'image', 'cpu', 0, np.uint8, self._image.shape, self._image.ctypes.data
        )
        for name, output in self._outputs.items():
            self._binding.bind_output(name, 'cpu', 0, np.float32, output.shape, output.ctypes.data)

    def _run(self, image: NDArray[np.uint8]) -> NetworkOutput:
        assert self._session is not None
        self._session.run_with_iobinding(self._binding)
        detail = self._outputs['detail'][0, 0] if self.detail else None
        return NetworkOutput(self._outputs['logits'][0], detail)

    def _close(self) -> None:
        self._session = self._binding = None

    def _describe(self) -> tuple[str, str]:
        return ort.__version__, processor_name()
