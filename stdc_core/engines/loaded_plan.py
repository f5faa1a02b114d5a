"""A plan in TensorRT's hands: 10.3 to 11 and TensorRT-RTX have the same calls for running one."""

from __future__ import annotations

from typing import Any

from stdc_core.engines.base import EngineUnavailableError
from stdc_core.model_file import logit_grid
from stdc_core.tensorrt.library import NAMES, TensorRT
from stdc_core.tensorrt.log import TensorRTLog
from stdc_core.tensorrt.plan import Plan


class PlanContext:
    """One run at a time; see :class:`stdc_core.cuda.frame_slot.Network`.

    :param context: an ``IExecutionContext``.
    """

    def __init__(self, context: Any, log: TensorRTLog) -> None:
        self._context = context
        self._log = log

    def bind(self, tensor: str, pointer: int) -> None:
        """Say where ``image``, ``logits`` or ``detail`` lies."""
        if not self._context.set_tensor_address(tensor, pointer):
            raise EngineUnavailableError(
                f"TensorRT refuses memory for '{tensor}': {self._log.reason}"
            )

    def enqueue(self, stream: int) -> None:
        """Put one run on the stream."""
        if not self._context.execute_async_v3(stream):
            raise EngineUnavailableError(f'TensorRT does not run: {self._log.reason}')

    def close(self) -> None:
        """Let go of the activations."""
        self._context = None


class LoadedPlan:
    """A deserialised plan.

    :param classes: of the logits.
    :raises EngineUnavailableError: TensorRT does not take it, or it is another network's.
    """

    def __init__(self, tensorrt: TensorRT, plan: Plan, classes: int) -> None:
        self.version = tensorrt.version
        self._log = TensorRTLog()
        self._logger = self._log.as_logger(tensorrt)  # outlives the runtime
        name = NAMES[tensorrt.flavour]
        self._runtime = tensorrt.module.Runtime(self._logger)
        if plan.fingerprint.version_compatible:
            self._runtime.engine_host_code_allowed = True  # such a plan brings its own runtime
        self._engine = self._runtime.deserialize_cuda_engine(plan.engine)
        if self._engine is None:
            raise EngineUnavailableError(f'{name} does not load the plan: {self._log.reason}')
        self._name = name
        self._contexts: list[PlanContext] = []
        try:
            self._check_tensors(tensorrt.module, plan, classes)
        except BaseException:
            self.close()
            raise

    def create_context(self) -> PlanContext:
        """Make room for runs, with activations of its own on the GPU."""
        context = self._engine.create_execution_context()
        if context is None:
            raise EngineUnavailableError(
                f'{self._name} makes no execution context: {self._log.reason}'
            )
        self._contexts.append(PlanContext(context, self._log))
        return self._contexts[-1]

    def close(self) -> None:
        """Let go of everything, in this order; whoever still has a reference keeps nothing."""
        for context in self._contexts:
            context.close()
        self._engine = self._runtime = None

    def _check_tensors(self, module: Any, plan: Plan, classes: int) -> None:
        """Refuse other tensors: what is written beyond the end of a buffer is found by nobody."""
        size = plan.fingerprint.size
        grid = logit_grid(size)
        expected = {
            'image': ((1, *size, 3), module.DataType.UINT8),
            'logits': ((1, classes, *grid), module.DataType.FLOAT),
        }
        if plan.fingerprint.detail:
            expected['detail'] = ((1, 1, *grid), module.DataType.FLOAT)
        count = self._engine.num_io_tensors
        names = [self._engine.get_tensor_name(index) for index in range(count)]
        found = {
            name: (
                tuple(self._engine.get_tensor_shape(name)),
                self._engine.get_tensor_dtype(name),
            )
            for name in names
        }
        if found != expected:
            raise EngineUnavailableError(
                f'the plan has the tensors {found}, expected {expected}: build it again'
            )
