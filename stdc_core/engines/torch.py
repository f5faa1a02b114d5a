"""torch on the CPU: the network the model file was exported from, with the file's weights."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from stdc_core.engines.base import (
    EngineError,
    EngineUnavailableError,
    InferenceEngine,
    NetworkOutput,
    Precision,
)

try:
    import torch
except ImportError as error:
    raise EngineUnavailableError('the torch engine needs: pip install torch') from error

from stdc_core.model_file import ModelFile
from stdc_core.networks.cpu_precision import cpu_has_bf16
from stdc_core.networks.model_graph import ModelGraph
from stdc_core.networks.stdc_seg import STDCSeg, STDCSegConfig, fold_for_inference
from stdc_core.processor import processor_name

TYPES: dict[Precision, torch.dtype] = {'fp32': torch.float32, 'bf16': torch.bfloat16}


class TorchEngine(InferenceEngine):
    """Batch norm folded, channels last. Sets torch's number of threads for the process."""

    backend: ClassVar[str] = 'torch'

    _graph: ModelGraph | None = None

    def _open(self) -> None:
        if self.precision not in TYPES:
            raise EngineUnavailableError(
                f'the torch engine computes in {" or ".join(TYPES)} on the CPU, asked for '
                f'{self.precision}'
            )
        if self.precision == 'bf16' and not cpu_has_bf16():
            raise EngineUnavailableError(
                'this processor has no bf16, and torch would emulate it, slowly: use fp32'
            )
        torch.set_num_threads(self.threads)
        network = load_network(self.model, detail=self.detail)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._graph = ModelGraph(network, TYPES[self.precision]).eval()
        self._input = torch.from_numpy(self._image)

    def _run(self, image: NDArray[np.uint8]) -> NetworkOutput:
        assert self._graph is not None
        with torch.inference_mode():
            logits, detail = self._graph(self._input)
        return NetworkOutput(
            logits[0].float().contiguous().numpy(),
            None if detail is None else detail[0, 0].float().numpy(),
        )

    def _close(self) -> None:
        self._graph = None

    def _describe(self) -> tuple[str, str]:
        return torch.__version__, processor_name()


def load_network(model: ModelFile, *, detail: bool) -> STDCSeg:
    """Build the network that a model file was exported from, batch norm folded, in float32.

    :param detail: with the detail head.
    :raises EngineError: it is int8, or not of the exporter's making.
    """
    if model.metadata.int8:
        raise EngineError(
            f'{model.path} is int8 and the torch engine runs float models only: use openvino or '
            'onnxruntime'
        )
    network = STDCSeg(STDCSegConfig(**model.metadata.architecture))
    network = fold_for_inference(network, detail=detail)
    weights = model.weights()
    state = {}
    for name, tensor in network.state_dict().items():
        if name in weights:
            state[name] = torch.tensor(weights[name])
        elif name.endswith('.bias'):  # the exporter leaves out a bias of zeros
            state[name] = torch.zeros_like(tensor)
        else:
            raise EngineError(
                f'{model.path} has no weights {name}: the torch engine runs float models of its '
                'own export only'
            )
    network.load_state_dict(state)
    return network
