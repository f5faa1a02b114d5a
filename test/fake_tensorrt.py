"""TensorRT's calls for running a plan, on the fake driver; ONNX Runtime does the work."""

import ctypes
import weakref
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace

import numpy as np
import onnxruntime as ort

from stdc_core.model_file import read_model_file

DataType = SimpleNamespace(UINT8='uint8', FLOAT='float32')
HOST_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class ILogger:
    INTERNAL_ERROR, ERROR, WARNING = range(3)


class Runtime:
    def __init__(self, logger) -> None:
        self._logger = logger

    def deserialize_cuda_engine(self, plan: bytes):
        if not plan.startswith(b'\x08'):  # a field of protobuf
            self._logger.log(ILogger.ERROR, 'Magic tag does not match')
            return None
        return Engine(plan)


@cache
def session(plan: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(plan, options)


class Engine:
    alive = 0

    def __init__(self, plan: bytes) -> None:
        Engine.alive += 1
        self._plan = plan
        self.session = session(plan)
        tensors = [*self.session.get_inputs(), *self.session.get_outputs()]
        self.tensors = {
            tensor.name: (
                tensor.shape,
                DataType.UINT8 if 'uint8' in tensor.type else DataType.FLOAT,
            )
            for tensor in tensors
        }
        # ONNX Runtime does not tell the outputs' sizes before it has run.
        image = np.zeros(self.tensors['image'][0], np.uint8)
        outputs = self.session.run(None, {'image': image})
        for tensor, output in zip(self.session.get_outputs(), outputs, strict=True):
            self.tensors[tensor.name] = (output.shape, DataType.FLOAT)

    def __del__(self) -> None:
        Engine.alive -= 1

    num_io_tensors = property(lambda self: len(self.tensors))

    def get_tensor_name(self, index: int) -> str:
        return list(self.tensors)[index]

    def get_tensor_shape(self, name: str):
        return self.tensors[name][0]

    def get_tensor_dtype(self, name: str):
        return self.tensors[name][1]

    def create_execution_context(self):
        return Context(self)


class Context:
    """Runs when the stream gets there, as the GPU would, on what lies in memory then."""

    alive = 0
    compute = True  # or leave the logits as they are
    spoil: Callable[[dict[str, np.ndarray]], None] | None = None  # what was computed, by name

    def __init__(self, engine: Engine) -> None:
        Context.alive += 1
        self._engine = engine
        self._driver = ctypes.CDLL('libcuda.so.1')
        self._memory = {}
        run = weakref.WeakMethod(self._run)
        self._callback = HOST_FUNCTION(lambda _: run()())

    def __del__(self) -> None:
        Context.alive -= 1

    def set_tensor_address(self, name: str, pointer: int) -> bool:
        shape, kind = self._engine.tensors[name]
        array = (ctypes.c_char * int(np.prod(shape) * np.dtype(kind).itemsize)).from_address(
            pointer
        )
        self._memory[name] = np.frombuffer(array, kind).reshape(shape)
        return True

    def execute_async_v3(self, stream: int) -> bool:
        return self._driver.cuLaunchHostFunc(ctypes.c_void_p(stream), self._callback, None) == 0

    def _run(self) -> None:
        if not Context.compute:
            return
        outputs = self._engine.session.run(None, {'image': self._memory['image']})
        for tensor, output in zip(self._engine.session.get_outputs(), outputs, strict=True):
            self._memory[tensor.name][:] = output
        if Context.spoil is not None:
            Context.spoil(self._memory)


@cache
def _plan_graph(path, size, detail: bool) -> bytes:
    return read_model_file(path).static_graph(size, detail=detail)


def plan_graph(model, size, detail: bool) -> bytes:
    """Make what stands for a plan of the model."""
    return _plan_graph(model.path, size, detail)
