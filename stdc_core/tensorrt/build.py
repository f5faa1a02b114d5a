"""Model file to plan: parse the graph into a strongly typed network, check its types, build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx

from stdc_core.atomic_file import atomic_path
from stdc_core.engines.base import EngineError
from stdc_core.geometry import Size
from stdc_core.model_file import ModelFile, check_network_size
from stdc_core.private_folder import make_private_folder, read_private_file
from stdc_core.tensorrt.fingerprint import fingerprint_of
from stdc_core.tensorrt.gpu_probe import Gpu
from stdc_core.tensorrt.graph import network_graph
from stdc_core.tensorrt.library import (
    TensorRT,
    built_for,
    configure,
    has_timing_cache,
    strongly_typed_flags,
)
from stdc_core.tensorrt.log import TensorRTLog
from stdc_core.tensorrt.monitor import (
    BuildMonitor,
    OnProgress,
    progress_monitor,
    run_cancellable,
)
from stdc_core.tensorrt.plan import Plan
from stdc_core.tensorrt.precision import PlanPrecision


def build_plan(
    model: ModelFile,
    tensorrt: TensorRT,
    gpu: Gpu | None,
    *,
    size: Size,
    detail: bool,
    precision: PlanPrecision,
    batch: int = 1,
    version_compatible: bool = False,
    hardware_compatible: bool = False,
    timing_cache: Path | None = None,
    on_progress: OnProgress = lambda phase, done, total: None,
) -> Plan:
    """Build a strongly typed engine that ends at the logits; takes seconds to minutes.

    Ctrl-C in the thread that called ends the build, and is raised when it has ended.

    :param gpu: of this machine; TensorRT-RTX needs none, TensorRT builds on the one it is for.
    :param batch: images at a time.
    :param timing_cache: file with the timings of earlier builds, read and written; in a folder
        that nobody else writes to.
    :param on_progress: called with phase, steps done, steps in all; from TensorRT's threads.
    :raises EngineError: TensorRT refuses the network or cannot build for this GPU.
    :raises InvalidArgumentError: the size is out of range or there is no detail head.
    """
    target = built_for(tensorrt, gpu, hardware_compatible=hardware_compatible)
    size = check_network_size(size)
    graph = network_graph(model, size=size, detail=detail, precision=precision, batch=batch)
    monitor = BuildMonitor(on_progress)

    def build() -> bytes:
        log = TensorRTLog()
        builder = tensorrt.module.Builder(log.as_logger(tensorrt))
        config = builder.create_builder_config()
        configure(tensorrt, config, target, version_compatible=version_compatible)
        network = _parse(tensorrt, builder, graph, log)
        adapter = progress_monitor(tensorrt, monitor)
        config.progress_monitor = adapter
        if timing_cache is not None and has_timing_cache(tensorrt):
            _use_timings(config, timing_cache)
        engine = builder.build_serialized_network(network, config)
        if monitor.error is not None:
            raise monitor.error
        if engine is None:
            raise EngineError(f'{tensorrt} does not build {model.path}: {log.reason}')
        if timing_cache is not None and has_timing_cache(tensorrt):
            _keep_timings(config, timing_cache)
        return bytes(engine)

    engine = run_cancellable(build, monitor.cancel)
    fingerprint = fingerprint_of(
        model,
        tensorrt,
        target,
        size=size,
        detail=detail,
        precision=precision,
        batch=batch,
        version_compatible=version_compatible,
    )
    return Plan(fingerprint, engine)


def _parse(tensorrt: TensorRT, builder: Any, graph: onnx.ModelProto, log: TensorRTLog) -> Any:
    """``INetworkDefinition`` of a graph, its types as they stand there."""
    network = builder.create_network(strongly_typed_flags(tensorrt))
    parser = tensorrt.module.OnnxParser(network, log.as_logger(tensorrt))
    if not parser.parse(graph.SerializeToString()):
        errors = [str(parser.get_error(number)) for number in range(parser.num_errors)]
        raise EngineError(f'{tensorrt} does not read the graph: {"; ".join(errors) or log.reason}')
    wanted, found = _convolution_types(graph), _parsed_types(tensorrt, network)
    if wanted != found:
        raise EngineError(
            f'{tensorrt} took the convolutions for {found}, and the graph has {wanted} of them: '
            'its parser does not keep the precision'
        )
    return network


def _convolution_types(graph: onnx.ModelProto) -> dict[str, int]:
    """How many convolutions of a graph have a result in half, and how many in float."""
    weights = {tensor.name: tensor.data_type for tensor in graph.graph.initializer}
    made_of = {output: node for node in graph.graph.node for output in node.output}
    counts = {'half': 0, 'float': 0}
    for node in graph.graph.node:
        if node.op_type == 'Conv':
            name = node.input[1]
            if name in made_of:  # int8: the type is that of its scale
                name = made_of[name].input[1]
            counts['half' if weights[name] == onnx.TensorProto.FLOAT16 else 'float'] += 1
    return counts


def _parsed_types(tensorrt: TensorRT, network: Any) -> dict[str, int]:
    """Count the same in TensorRT's network."""
    module = tensorrt.module
    names = {module.DataType.HALF: 'half', module.DataType.FLOAT: 'float'}
    counts = {'half': 0, 'float': 0}
    for layer in (network.get_layer(index) for index in range(network.num_layers)):
        if layer.type == module.LayerType.CONVOLUTION:
            name = names.get(layer.get_output(0).dtype, 'other')
            counts[name] = counts.get(name, 0) + 1
    return counts


def _use_timings(config: Any, path: Path) -> None:
    """Give a build the timings of earlier ones; those of another GPU or version are left out."""
    known = read_private_file(path) if path.exists() else b''
    if not config.set_timing_cache(config.create_timing_cache(known), False):
        config.set_timing_cache(config.create_timing_cache(b''), False)


def _keep_timings(config: Any, path: Path) -> None:
    make_private_folder(path.parent)
    with atomic_path(path) as part:
        part.write_bytes(bytes(config.get_timing_cache().serialize()))
    path.chmod(0o600)
