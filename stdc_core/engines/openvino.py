"""OpenVINO on the CPU: the fastest engine without a GPU."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from stdc_core.engines.base import (
    EngineUnavailableError,
    InferenceEngine,
    NetworkOutput,
    Precision,
)

try:
    import openvino as ov
except ImportError as error:
    raise EngineUnavailableError('the openvino engine needs: pip install openvino') from error

TYPES: dict[Precision, 'ov.Type'] = {
    'fp32': ov.Type.f32,
    'bf16': ov.Type.bf16,
    'fp16': ov.Type.f16,
}
CAPABILITIES: dict[Precision, str] = {'fp32': 'FP32', 'bf16': 'BF16', 'fp16': 'FP16'}


def compile_graph(
    graph: bytes,
    precision: Precision,
    threads: int,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> 'ov.CompiledModel':
    """Compile ONNX for one frame at a time.

    :param more: properties of OpenVINO.
    """
    core = ov.Core()
    return core.compile_model(
        core.read_model(graph),
        'CPU',
        {
            # Without this OpenVINO takes bf16 where the processor has it.
            'INFERENCE_PRECISION_HINT': TYPES[precision],
            'PERFORMANCE_HINT': 'LATENCY',
            'INFERENCE_NUM_THREADS': threads,
            'NUM_STREAMS': 1,
            'ENABLE_CPU_PINNING': False,  # the ROS threads run on the same cores
            **more,
        },
    )


class OpenVINOEngine(InferenceEngine):
    """One compiled model, one stream, one request, input and outputs without copies."""

    backend: ClassVar[str] = 'openvino'

    _request: 'ov.InferRequest | None' = None

    def _open(self) -> None:
        core = ov.Core()
        capabilities = core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES')
        if CAPABILITIES[self.precision] not in capabilities:
            able = [name for name, key in CAPABILITIES.items() if key in capabilities]
            raise EngineUnavailableError(
                f'this processor has no {self.precision} in OpenVINO (it has {", ".join(able)})'
            )
        graph = self.model.static_graph(self.size, detail=self.detail)
        compiled = compile_graph(graph, self.precision, self.threads)
        got = compiled.get_property('INFERENCE_PRECISION_HINT')
        if got != TYPES[self.precision]:
            raise EngineUnavailableError(f'OpenVINO compiled {got}, asked for {self.precision}')
        self._device = core.get_property('CPU', 'FULL_DEVICE_NAME').strip()
        self._request = compiled.create_infer_request()
        self._request.set_input_tensor(ov.Tensor(self._image, shared_memory=True))

    def _run(self, image: NDArray[np.uint8]) -> NetworkOutput:
        assert self._request is not None
        self._request.infer()
        logits = self._request.get_output_tensor(0).data[0]
        detail = self._request.get_output_tensor(1).data[0, 0] if self.detail else None
        return NetworkOutput(logits, detail)

    def _close(self) -> None:
        self._request = None

    def _describe(self) -> tuple[str, str]:
        return ov.__version__.split('-')[0], self._device
