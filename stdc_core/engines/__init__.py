"""Engines: one interface, one module a backend."""

import importlib
import logging
import os
from pathlib import Path
from typing import Literal, get_args

import cv2

from stdc_core.engines.base import (
    EngineError,
    EngineInfo,
    EngineUnavailableError,
    InferenceEngine,
    Precision,
    PrecisionChoice,
    Segmentation,
    SelfCheckError,
    StageTimes,
)
from stdc_core.errors import InvalidArgumentError
from stdc_core.model_file import ModelFile, check_network_size, read_model_file

__all__ = [
    'Backend',
    'EngineError',
    'EngineInfo',
    'EngineUnavailableError',
    'InferenceEngine',
    'Precision',
    'PrecisionChoice',
    'Segmentation',
    'SelfCheckError',
    'StageTimes',
    'open_engine',
]

logger = logging.getLogger(__name__)

Backend = Literal['auto', 'tensorrt', 'openvino', 'onnxruntime', 'torch', 'torch-cuda']

CLASSES = {
    'tensorrt': 'TensorRTEngine',
    'openvino': 'OpenVINOEngine',
    'onnxruntime': 'ONNXRuntimeEngine',
    'torch': 'TorchEngine',
    'torch-cuda': 'TorchCudaEngine',
}
AUTO = ('tensorrt', 'openvino', 'onnxruntime')  # fastest first


def open_engine(
    model: str | Path | ModelFile,
    backend: Backend = 'auto',
    *,
    size: tuple[int, int] | None = None,
    precision: PrecisionChoice = 'auto',
    threads: int | None = None,
    detail: bool = False,
) -> InferenceEngine:
    """Open a model file for inference and let it prove itself on the file's self-check frame.

    OpenCV is set to one thread for the whole process: the threads are the engine's.

    :param model: a model file, or its path.
    :param backend: ``auto`` takes the first of TensorRT, OpenVINO and ONNX Runtime that runs here
        and opens the model; one that opens it and computes wrong labels is an error, not passed
        over.
    :param size: height and width of the network's input, each at least 64; the model file's
        default size where None.
    :param precision: of the network's arithmetic; ``auto`` is fp16 on a GPU (tensorrt and
        torch-cuda) and fp32 on a processor, and ``info.precision`` tells which.
    :param threads: for the network; as many as this process has cores where None.
    :param detail: compute the detail map too.
    :raises ModelFileError: the file is missing, corrupt or foreign.
    :raises EngineError: no engine can do this here (the message has the reason of each), or one
        failed its self-check.
    :raises InvalidArgumentError: an argument is out of range.
    """
    if backend not in get_args(Backend):
        raise InvalidArgumentError(
            f"unknown backend '{backend}' (known: {', '.join(get_args(Backend))})"
        )
    if not isinstance(model, ModelFile):
        model = read_model_file(model)
    cv2.setNumThreads(1)
    unavailable: list[str] = []
    for name in AUTO if backend == 'auto' else (backend,):
        try:
            module = importlib.import_module(f'stdc_core.engines.{name.replace("-", "_")}')
            engine_class: type[InferenceEngine] = getattr(module, CLASSES[name])
            engine = engine_class(
                model,
                size=check_network_size(size or model.metadata.default_size),
                precision=precision,
                threads=len(os.sched_getaffinity(0)) if threads is None else threads,
                detail=detail,
                reason='asked for' if backend != 'auto' else _why(unavailable),
            )
        except EngineUnavailableError as error:
            unavailable.append(str(error))
            continue
        logger.info('engine ready: %s', engine.info)
        if engine.info.tail == 'numpy':
            logger.warning('numba is missing: upsampling takes about fifteen times as long')
        return engine
    raise EngineUnavailableError('no engine runs here: ' + '; '.join(unavailable))


def _why(unavailable: list[str]) -> str:
    others = '; '.join(unavailable) or f'first of {", ".join(AUTO)}'
    return f'chosen by auto: {others}'
