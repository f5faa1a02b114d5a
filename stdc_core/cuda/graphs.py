"""CUDA graphs through cuda-bindings, on streams that anybody made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cuda.bindings import driver

from stdc_core.cuda.device import CudaError


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function of the driver.

    :return: what it gives beside its status; None where it gives nothing more.
    :raises CudaError: the status is not success.
    """
    status, *values = function(*arguments)
    if status != driver.CUresult.CUDA_SUCCESS:
        name = getattr(status, 'name', status)
        raise CudaError(f'{name} ({function.__name__})')
    return values[0] if values else None


def capture(stream: int, enqueue: Callable[[], None]) -> int:
    """Record what ``enqueue`` puts on the stream; nothing runs.

    Thread-local: the global mode would forbid other threads' CUDA calls meanwhile.

    :raises CudaError: something in it cannot be recorded.
    """
    mode = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
    call(driver.cuStreamBeginCapture, stream, mode)
    try:
        enqueue()
    except BaseException:
        status, graph = driver.cuStreamEndCapture(stream)  # so that the stream works again
        if status == driver.CUresult.CUDA_SUCCESS and int(graph):
            driver.cuGraphDestroy(graph)
        raise
    graph = call(driver.cuStreamEndCapture, stream)
    try:
        return int(call(driver.cuGraphInstantiate, graph, 0))
    finally:
        call(driver.cuGraphDestroy, graph)


def launch_graph(graph: int, stream: int) -> None:
    """Do what was recorded."""
    call(driver.cuGraphLaunch, graph, stream)


def destroy_graph(graph: int) -> None:
    """Let go of a graph that is not running."""
    call(driver.cuGraphExecDestroy, graph)
