"""Where the time goes inside OpenVINO: every layer against the processor's int8 peak."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import openvino as ov
from numpy.typing import NDArray

from stdc_core.benchmark.int8_peak import PEAK_LAYER, PEAK_MACS, PEAK_SHAPE, peak_graph
from stdc_core.benchmark.interleave import Timing
from stdc_core.engines.openvino import compile_graph
from stdc_core.geometry import Size
from stdc_core.model_file import ModelFile
from stdc_core.synthetic.drive import street_picture

CONVOLUTIONS = ('Convolution', 'GroupConvolution')


@dataclass(frozen=True)
class Layer:
    """What OpenVINO runs in one go; it has fused into it what follows, if it could.

    :param name: of the network's layer, or what a reorder is for.
    :param kind: e.g. Convolution, Concat, Reorder; Subgraph is compiled arithmetic.
    :param kernel: what runs, e.g. ``brgconv_avx512``.
    :param precision: of the arithmetic, ``i8`` or a float type, e.g. ``f32``.
    :param macs: multiply-accumulates of a convolution; 0 of everything else.
    """

    name: str
    kind: str
    kernel: str
    precision: str
    macs: int
    timing: Timing

    @property
    def convolution(self) -> bool:
        """Whether its time is spent on multiply-accumulates."""
        return self.kind in CONVOLUTIONS


@dataclass(frozen=True)
class LayerProfile:
    """One network at one size.

    :param layers: in the order they run in.
    :param network: wall time of the whole, the profiler running.
    :param peak: of :data:`PEAK_MACS`, measured in turns with the network.
    """

    layers: tuple[Layer, ...]
    network: Timing
    peak: Timing

    @property
    def layers_ms(self) -> float:
        """Sum of the layers' medians."""
        return sum(layer.timing.median_ms for layer in self.layers)

    def floor_ms(self, layer: Layer) -> float:
        """Milliseconds that the layer would take at the peak, by medians."""
        return layer.macs / PEAK_MACS * self.peak.median_ms

    def by_kind(self) -> dict[str, tuple[Layer, ...]]:
        """Layers of each kind, convolutions first, then what takes longest."""
        kinds: dict[str, tuple[Layer, ...]] = {}
        for layer in self.layers:
            kinds[layer.kind] = (*kinds.get(layer.kind, ()), layer)

        def cost(item: tuple[str, tuple[Layer, ...]]) -> tuple[bool, float]:
            return item[0] not in CONVOLUTIONS, -sum(part.timing.median_ms for part in item[1])

        return dict(sorted(kinds.items(), key=cost))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            'peak_gmacs_a_second': round(PEAK_MACS / self.peak.median_ms / 1e6, 1),
            'peak_gmacs_a_second_by_min': round(PEAK_MACS / self.peak.min_ms / 1e6, 1),
            'network_ms': _figures(self.network),
            'layers': [
                {
                    'name': layer.name,
                    'kind': layer.kind,
                    'kernel': layer.kernel,
                    'precision': layer.precision,
                    'macs': layer.macs,
                    **_figures(layer.timing),
                    'share': round(layer.timing.median_ms / self.layers_ms, 4),
                    'floor_ms': round(self.floor_ms(layer), 4),
                }
                for layer in self.layers
            ],
        }


def profile_layers(model: ModelFile, *, size: Size, threads: int, rounds: int) -> LayerProfile:
    """Run a model and the peak's convolution in turns and take down what OpenVINO says.

    :param model: float or int8; compiled as the engine does, in fp32.
    :param size: of the network's input.
    :param rounds: timed ones.
    """
    graph = model.static_graph(size, detail=False)
    network = _Profiled(graph, street_picture(size)[None], threads)
    noise = np.random.default_rng(0).integers(0, 256, PEAK_SHAPE, dtype=np.uint8)
    peak = _Profiled(peak_graph(), noise, threads)
    for number in range(rounds + 1):
        for case in (network, peak):
            case.run(keep=number > 0)
    found = _layers_and_macs(network.compiled, _origins(onnx.load_model_from_string(graph)))
    layers = []
    for node, samples in network.samples.items():
        name, macs = found[node]
        kind, kernel, precision = network.kinds[node]
        layers.append(Layer(name, kind, kernel, precision, macs, Timing(tuple(samples))))
    return LayerProfile(
        tuple(layers), Timing(tuple(network.wall_ms)), Timing(tuple(peak.samples[PEAK_LAYER]))
    )


class _Profiled:
    """A graph that keeps what each of its layers took."""

    def __init__(self, graph: bytes, image: NDArray[np.uint8], threads: int) -> None:
        self.compiled = compile_graph(graph, 'fp32', threads, {'PERF_COUNT': True})
        self._request = self.compiled.create_infer_request()
        self._image = np.ascontiguousarray(image)
        self._request.set_input_tensor(ov.Tensor(self._image, shared_memory=True))
        self.wall_ms: list[float] = []
        self.samples: dict[str, list[float]] = {}
        self.kinds: dict[str, tuple[str, str, str]] = {}

    def run(self, *, keep: bool) -> None:
        start = time.perf_counter()
        self._request.infer()
        elapsed_ms = 1e3 * (time.perf_counter() - start)
        if not keep:
            return
        self.wall_ms.append(elapsed_ms)
        for part in self._request.get_profiling_info():
            if part.status != ov.ProfilingInfo.Status.EXECUTED or part.node_type == 'Result':
                continue
            node = _plain(part.node_name)
            kernel, _, precision = part.exec_type.rpartition('_')
            self.kinds[node] = (part.node_type, kernel, precision.lower())  # I8 and i8
            milliseconds = 1e3 * part.real_time.total_seconds()
            self.samples.setdefault(node, []).append(milliseconds)


def _origins(proto: onnx.ModelProto) -> dict[str, tuple[str, str]]:
    """Layer of the torch network and operator, by the names of nodes and of what they put out."""
    origins = {}
    for node in proto.graph.node:
        path = {entry.key: entry.value for entry in node.metadata_props}.get('namespace')
        if path is None:  # nncf put it in
            continue
        modules = [part.partition(':')[0] for part in path.split('/')]
        named = [name for name in modules if name.startswith('network.')]
        layer = named[-1].removeprefix('network.') if named else 'normalisation'
        for name in (node.name, *node.output):
            origins[name] = (layer, node.op_type)
    return origins


def _layers_and_macs(
    compiled: ov.CompiledModel, origins: Mapping[str, tuple[str, str]]
) -> dict[str, tuple[str, int]]:
    """Find the network's layer and the multiply-accumulates, by the name of what runs."""
    found: dict[str, tuple[str, int]] = {}
    for operator in reversed(compiled.get_runtime_model().get_ordered_ops()):
        info = {key: value.astype(str) for key, value in operator.get_rt_info().items()}
        merged = [origins[part] for part in _split(info['originalLayersNames']) if part in origins]
        macs = 0
        if info['layerType'] in CONVOLUTIONS:
            weights, out = operator.get_input_shape(1), operator.get_output_shape(0)
            macs = math.prod(weights) * math.prod(out[2:])
            merged = [part for part in merged if part[1] == 'Conv']
        if merged:
            layer = merged[0][0]
        else:  # put in for the sake of what reads it, which was seen before
            readers = [found[name][0] for name in _readers(operator) if name in found]
            layer = 'for ' + readers[0].removeprefix('for ') if readers else 'the output'
        found[_plain(operator.get_friendly_name())] = (layer, macs)
    return found


def _readers(operator: ov.Node) -> Iterator[str]:
    for output in operator.outputs():
        for target in output.get_target_inputs():
            yield _plain(target.get_node().get_friendly_name())


def _split(names: str) -> list[str]:
    return [_plain(name) for name in names.split(',')]


def _plain(name: str) -> str:
    return name.removesuffix('/WithoutBiases')


def _figures(timing: Timing) -> dict[str, float]:
    return {'median_ms': round(timing.median_ms, 4), 'min_ms': round(timing.min_ms, 4)}
