"""The model file: one ONNX file with everything an engine needs; read without torch or ROS.

The graph takes a uint8 RGB image (1, H, W, 3), normalises it and ends at class logits
(1, C, ceil(H / 8), ceil(W / 8)), with detail logits (1, 1, ...) beside them where the detail head
was kept. Height and width are dynamic; :meth:`ModelFile.static_graph` fixes them for an engine.
What the classes mean, how a frame is resized and what the model was measured at stands as JSON in
the file's ``metadata_props``, under the key ``stdc_seg``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from reprlib import repr as shown  # of foreign data: cut where it is long
from typing import Any

import cv2
import numpy as np
import onnx
import onnx.numpy_helper
import onnx.utils
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from stdc_core.errors import InvalidArgumentError, UserError
from stdc_core.geometry import RESIZE_MODES, ResizeMode, Size
from stdc_core.half_weights import restore_float
from stdc_core.image_file import decode_image_file
from stdc_core.image_header import read_header
from stdc_core.labels import LabelSet
from stdc_core.model_graph_check import check_graph
from stdc_core.regular_file import read_regular_file
from stdc_core.self_check import SelfCheck

METADATA_KEY = 'stdc_seg'
FORMAT_VERSION = 1
MIN_SIZE, MAX_SIZE = 64, 16384  # pixels a side of the network's input
MAX_BYTES = (1 << 31) - 1  # protobuf's own limit


def logit_grid(size: Size) -> Size:
    """Height and width of the logits of an input of this size: an eighth, rounded up."""
    return Size(-(-size.height // 8), -(-size.width // 8))


def check_network_size(size: tuple[int, ...]) -> Size:
    """Refuse what is no size of a network's input.

    :raises InvalidArgumentError: not two sides, or one is out of range.
    """
    if len(size) != 2 or not all(MIN_SIZE <= side <= MAX_SIZE for side in size):
        raise InvalidArgumentError(
            f'network size is {"x".join(map(str, size))}, expected height and width of '
            f'{MIN_SIZE} to {MAX_SIZE}'
        )
    return Size(*size)


class ModelFileError(UserError, ValueError):
    """A file that is not a whole model file of this package; the message names file and fault."""


@dataclass(frozen=True)
class ModelMetadata:
    """What the graph does not say.

    :param labels: the classes of the logits.
    :param architecture: keyword arguments of ``STDCSegConfig``, ``variant`` among them.
    :param default_size: network input where the user asks for none.
    :param resize: how a frame becomes the network's input.
    :param align_corners: how the logits were upsampled in training.
    :param self_check: the frame every engine proves itself on.
    :param recipe: how the network was trained; empty: its weights are random.
    :param metrics: what it was measured at, e.g. ``{'val_miou': 0.73}``.
    :param source_sha256: of the checkpoint file this was exported from; empty if from none.
    :param versions: of the exporting packages.
    :param quantization: how it was made int8 and what that cost
        (:mod:`stdc_core.quantization`); empty: the network is in float.
    """

    labels: LabelSet
    architecture: Mapping[str, Any]
    default_size: Size
    resize: ResizeMode
    align_corners: bool
    self_check: SelfCheck
    recipe: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    source_sha256: str = ''
    versions: Mapping[str, str] = field(default_factory=dict)
    quantization: Mapping[str, Any] = field(default_factory=dict)

    @property
    def trained(self) -> bool:
        """Whether the weights are other than random."""
        return bool(self.recipe)

    @property
    def int8(self) -> bool:
        """Whether most of the network is int8."""
        return bool(self.quantization)

    def to_json(self, weights_sha256: str) -> str:
        """Text for the file, the reverse of :meth:`from_json`."""
        return json.dumps(
            {
                'format_version': FORMAT_VERSION,
                'labels': self.labels.to_dict(),
                'architecture': dict(self.architecture),
                'default_size': list(self.default_size),
                'resize': self.resize,
                'align_corners': self.align_corners,
                'recipe': dict(self.recipe),
                'metrics': dict(self.metrics),
                'source_sha256': self.source_sha256,
                'weights_sha256': weights_sha256,
                'versions': dict(self.versions),
                'quantization': dict(self.quantization),
                'self_check': {
                    'frame_png': _to_png(self.self_check.frame[..., ::-1]),
                    'labels_png': _to_png(self.self_check.labels),
                },
            }
        )

    @classmethod
    def from_json(cls, text: str) -> ModelMetadata:
        """Parse what :meth:`to_json` wrote.

        :raises ValueError: it is not that, or of a newer version of this package.
        """
        fields = json.loads(text)
        version = fields['format_version']
        if version != FORMAT_VERSION:
            raise ValueError(
                f'format version {shown(version)} is not the {FORMAT_VERSION} this package reads: '
                'export the model again, or use the version of stdc_seg_ros that wrote it'
            )
        if fields['resize'] not in RESIZE_MODES:
            raise ValueError(f'unknown resize {shown(fields["resize"])} (known: {RESIZE_MODES})')
        for name in ('architecture', 'recipe', 'metrics', 'versions'):
            if not isinstance(fields[name], dict):
                raise ValueError(f'{name} is {shown(fields[name])}, expected names and values')
        size = _size(fields['default_size'])
        frame = _from_png(fields['self_check']['frame_png'], cv2.IMREAD_COLOR, size)
        labels = _from_png(fields['self_check']['labels_png'], cv2.IMREAD_GRAYSCALE, size)
        return cls(
            labels=LabelSet.from_dict(fields['labels']),
            architecture=fields['architecture'],
            default_size=size,
            resize=fields['resize'],
            align_corners=bool(fields['align_corners']),
            self_check=SelfCheck(np.ascontiguousarray(frame[..., ::-1]), labels),
            recipe=fields['recipe'],
            metrics=fields['metrics'],
            source_sha256=fields['source_sha256'],
            versions=fields['versions'],
            quantization=fields.get('quantization', {}),  # files from before int8 have none
        )


@dataclass(frozen=True)
class ModelFile:
    """A model file in memory.

    :param path: where it was read from.
    :param sha256: of the whole file, hexadecimal.
    :param metadata: what the graph does not say.
    :param proto: the graph, with dynamic height and width, weights in float32.
    """

    path: Path
    sha256: str
    metadata: ModelMetadata
    proto: onnx.ModelProto

    @property
    def has_detail(self) -> bool:
        """Whether the graph has the detail head."""
        return any(output.name == 'detail' for output in self.proto.graph.output)

    def check_detail(self, detail: bool) -> None:
        """Refuse to promise a detail map without a detail head.

        :raises InvalidArgumentError: it is asked for and not there.
        """
        if detail and not self.has_detail:
            raise InvalidArgumentError(
                f'{self.path} was exported without its detail head: export it again with --detail'
            )

    def static_graph(self, size: Size, *, detail: bool) -> bytes:
        """ONNX for one input size, pruned to the outputs asked for.

        A runtime computes every output its graph has, and a dynamic graph runs at half speed.

        :param size: height and width of the network's input, each at least 64.
        :param detail: keep the detail logits.
        :raises InvalidArgumentError: the size is out of range or there is no detail head.
        """
        check_network_size(size)
        self.check_detail(detail)
        outputs = ['logits', 'detail'] if detail else ['logits']
        proto = onnx.utils.Extractor(self.proto).extract_model(['image'], outputs)
        for dimension, value in zip(
            proto.graph.input[0].type.tensor_type.shape.dim, (1, *size, 3), strict=True
        ):
            dimension.dim_value = value
        for output in proto.graph.output:
            output.type.tensor_type.ClearField('shape')
        proto.graph.ClearField('value_info')
        return proto.SerializeToString()

    def weights(self) -> dict[str, NDArray[Any]]:
        """Weights and biases of all convolutions by the torch network's names, batch norm folded.

        Found through the nodes: the exporter keeps one copy of equal initializers.
        """
        tensors = {tensor.name: tensor for tensor in self.proto.graph.initializer}
        weights = {}
        for node in self.proto.graph.node:
            if node.op_type == 'Conv':
                layer = node.input[1].removeprefix('network.').removesuffix('.weight')
                for kind, name in zip(('weight', 'bias'), node.input[1:], strict=False):
                    if name in tensors:  # a quantised weight is computed, not stored
                        weights[f'{layer}.{kind}'] = onnx.numpy_helper.to_array(tensors[name])
        return weights

    def count_weights(self) -> int:
        """How many weights and biases all convolutions have, int8 ones included."""
        sizes = {tensor.name: math.prod(tensor.dims) for tensor in self.proto.graph.initializer}
        for node in self.proto.graph.node:
            if node.op_type == 'DequantizeLinear' and node.input[0] in sizes:
                sizes[node.output[0]] = sizes[node.input[0]]
        return sum(
            sizes[name]
            for node in self.proto.graph.node
            if node.op_type == 'Conv'
            for name in node.input[1:]
            if name in sizes
        )


def read_model_file(path: str | Path) -> ModelFile:
    """Read and check a model file.

    :raises ModelFileError: missing, corrupt, truncated, or not made by this package.
    """
    path = Path(path)
    try:
        content = read_regular_file(path, MAX_BYTES)
    except OSError as error:
        raise ModelFileError(f'cannot read model file {path}: {error.strerror}') from error
    try:
        proto = onnx.load_model_from_string(content)
    except DecodeError as error:
        if path.suffix in ('.safetensors', '.pth', '.pt', '.tar'):
            raise ModelFileError(
                f"{path} is a checkpoint: make a model file of it with 'stdc_seg export'"
            ) from error
        raise ModelFileError(
            f'{path} is not a whole ONNX file ({len(content)} bytes): copy or export it again'
        ) from error
    properties = {entry.key: entry.value for entry in proto.metadata_props}
    if METADATA_KEY not in properties:
        raise ModelFileError(
            f'{path} is no model file of stdc_seg_ros (producer: {proto.producer_name or "none"}, '
            f"no metadata '{METADATA_KEY}'): make one with 'stdc_seg export'"
        )
    try:
        metadata = ModelMetadata.from_json(properties[METADATA_KEY])
        expected = json.loads(properties[METADATA_KEY])['weights_sha256']
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelFileError(f'{path} has bad metadata: {error}') from error
    try:
        check_graph(proto, metadata.labels)
    except ValueError as error:
        raise ModelFileError(f'{path} is refused: {error}') from error
    try:
        actual = weights_sha256(proto)
        onnx.checker.check_model(proto)
    except Exception as error:  # onnx lets the errors of NumPy and others through
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelFileError(f'{path} is corrupt: {reason}') from error
    if actual != expected:
        raise ModelFileError(
            f'{path} is corrupt: its weights have SHA-256 {actual[:12]}…, expected '
            f'{shown(expected)}: copy or export it again'
        )
    restore_float(proto)
    return ModelFile(path, hashlib.sha256(content).hexdigest(), metadata, proto)


def add_metadata(proto: onnx.ModelProto, metadata: ModelMetadata) -> None:
    """Make a model file of an exported graph, in place."""
    text = metadata.to_json(weights_sha256(proto))
    onnx.helper.set_model_props(proto, {METADATA_KEY: text})


def weights_sha256(proto: onnx.ModelProto) -> str:
    """SHA-256 over names and bytes of all initializers, hexadecimal."""
    digest = hashlib.sha256()
    for tensor in sorted(proto.graph.initializer, key=lambda tensor: str(tensor.name)):
        digest.update(tensor.name.encode())
        digest.update(onnx.numpy_helper.to_array(tensor).tobytes())
    return digest.hexdigest()


def _to_png(image: NDArray[np.uint8]) -> str:
    _, png = cv2.imencode('.png', image, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return base64.b64encode(png.tobytes()).decode()


def _from_png(text: str, flags: int, size: Size) -> NDArray[np.uint8]:
    png = base64.b64decode(text, validate=True)
    header = read_header(png)
    if header is None or header.kind != 'PNG':
        raise ValueError('self-check picture is not a PNG')
    if header.size != size:
        raise ValueError(f'self-check picture is {header.size}, not of the default size {size}')
    return decode_image_file(png, flags)


def _size(value: Any) -> Size:
    if not isinstance(value, list) or not all(type(side) is int for side in value):
        raise ValueError(f'default_size is {shown(value)}, expected height and width')
    return check_network_size(tuple(value))
