"""The node's parameters: one frozen dataclass, declared with its descriptors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.parameter import Parameter

from stdc_core.engines import Backend, PrecisionChoice
from stdc_core.errors import InvalidArgumentError
from stdc_core.model_file import check_network_size

ImageTransport = Literal['raw', 'compressed']
Reliability = Literal['auto', 'reliable', 'best_effort']
When = Literal['at start', 'at configure', 'at once']  # a new value takes effect
Value = str | int | float | bool | list[int] | list[str]

_CAMERA_NAME = re.compile(r'[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*')  # a token of a topic's name


@dataclass(frozen=True)
class ParameterSpec:
    """What ROS tools tell about a parameter.

    :param limits: lowest and highest value.
    :param choices: of a string, all there are.
    """

    default: Value
    description: str
    when: When
    limits: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()

    def descriptor(self) -> ParameterDescriptor:
        """Describe the parameter for ``ros2 param describe``; ROS checks type and limits by it."""
        constraints = [f'new values take effect {self.when}']
        if self.choices:
            constraints.insert(0, f'one of {", ".join(self.choices)}')
        descriptor = ParameterDescriptor(
            description=self.description,
            additional_constraints='; '.join(constraints),
            read_only=self.when == 'at start',
        )
        if self.limits is not None and isinstance(self.default, float):
            low, high = self.limits
            descriptor.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
        elif self.limits is not None:
            low, high = map(int, self.limits)
            descriptor.integer_range = [IntegerRange(from_value=low, to_value=high, step=1)]
        return descriptor


SPECS: Mapping[str, ParameterSpec] = {
    'model': ParameterSpec(
        '', "path of a model file (*.onnx); '': the one of the package", 'at configure'
    ),
    'backend': ParameterSpec(
        'auto',
        'engine; auto: the fastest that runs here',
        'at configure',
        choices=get_args(Backend),
    ),
    'precision': ParameterSpec(
        'auto',
        "of the network's arithmetic; auto: fp16 on a GPU, fp32 on a processor",
        'at configure',
        choices=get_args(PrecisionChoice),
    ),
    'threads': ParameterSpec(
        0, 'of the engine; 0: as many as this process has cores', 'at configure', (0, 1024)
    ),
    'network_size': ParameterSpec(
        [0, 0],
        "height and width of the network's input; [0, 0]: the model file's own",
        'at configure',
    ),
    'cameras': ParameterSpec(
        [''],
        "names of the cameras: front reads front/image and writes ~/front/mask; ['']: one, which "
        'reads image and writes ~/mask',
        'at configure',
    ),
    'image_transport': ParameterSpec(
        'raw',
        'raw: sensor_msgs/Image on image; compressed: sensor_msgs/CompressedImage on '
        'image/compressed',
        'at configure',
        choices=get_args(ImageTransport),
    ),
    'reliability': ParameterSpec(
        'auto',
        'of the subscription to the images; auto: reliable where all publishers offer it',
        'at configure',
        choices=get_args(Reliability),
    ),
    'confidence_threshold': ParameterSpec(
        0.0, 'pixels of less confidence are unlabeled (255) in the mask', 'at once', (0.0, 1.0)
    ),
    'overlay_opacity': ParameterSpec(0.5, 'of the colours in the overlay', 'at once', (0.0, 1.0)),
    'jpeg_quality': ParameterSpec(90, 'of overlay/compressed', 'at once', (1, 100)),
    'stalled_after_s': ParameterSpec(
        2.0, 'seconds without an image that diagnostics call a fault', 'at once', (0.1, 3600.0)
    ),
    'watchdog_s': ParameterSpec(
        10.0,
        'seconds that the engine or the executor may hang before the process ends, with code 1; '
        '0: any',
        'at once',
        (0.0, 3600.0),
    ),
    'processing_limit_ms': ParameterSpec(
        0.0,
        'milliseconds from an image to its mask that diagnostics warn of; 0: none',
        'at once',
        (0.0, 1e6),
    ),
    'max_lost_share': ParameterSpec(
        0.1,
        'of the images of 5 s that may be lost before diagnostics warn; 1: any',
        'at once',
        (0.0, 1.0),
    ),
    'min_output_rate_hz': ParameterSpec(
        0.0,
        'masks a second, over 5 s, below which diagnostics warn; 0: none',
        'at once',
        (0.0, 1000.0),
    ),
    'autostart': ParameterSpec(
        True, 'configure and activate at start, without a lifecycle manager', 'at start'
    ),
}


@dataclass(frozen=True)
class NodeParameters:
    """All parameters at one moment; ``SPECS`` says what they mean."""

    model: str
    backend: Backend
    precision: PrecisionChoice
    threads: int
    network_size: tuple[int, int]
    cameras: tuple[str, ...]
    image_transport: ImageTransport
    reliability: Reliability
    confidence_threshold: float
    overlay_opacity: float
    jpeg_quality: int
    stalled_after_s: float
    watchdog_s: float
    processing_limit_ms: float
    max_lost_share: float
    min_output_rate_hz: float
    autostart: bool

    @property
    def size(self) -> tuple[int, int] | None:
        """Of the network's input; None: the model file's."""
        return None if self.network_size == (0, 0) else self.network_size

    @property
    def takes_int8(self) -> bool:
        """Whether an int8 model file can be run as asked."""
        return not self.backend.startswith('torch') and self.precision in ('auto', 'fp32')


def check_parameter(name: str, value: Any) -> None:
    """Check what ROS does not check by the descriptor.

    :raises InvalidArgumentError: names the value and what was expected.
    """
    spec = SPECS[name]
    if spec.choices and value not in spec.choices:
        known = ', '.join(spec.choices)
        raise InvalidArgumentError(f"unknown {name} '{value}' (known: {known})")
    if name == 'network_size' and list(value) != [0, 0]:
        check_network_size(tuple(value))
    if name == 'cameras' and list(value) != ['']:
        _check_cameras(value)


def _check_cameras(names: Sequence[str]) -> None:
    for name in names:
        if not _CAMERA_NAME.fullmatch(name):
            raise InvalidArgumentError(
                f"camera '{name}' is no name for a topic, expected letters, digits and single "
                'underscores between them'
            )
    if not names or len(set(names)) < len(names):
        raise InvalidArgumentError(f'cameras are {list(names)}, expected at least one, each once')


class ParameterServer:
    """Declares the parameters at a node and keeps their values up to date.

    :param node: where they are declared.
    :raises InvalidArgumentError: a value from the command line or a file is wrong.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        for name, spec in SPECS.items():
            try:
                node.declare_parameter(name, spec.default, spec.descriptor())
                check_parameter(name, node.get_parameter(name).value)
            except (ParameterException, InvalidArgumentError) as error:
                raise InvalidArgumentError(f"parameter '{name}': {error}") from error
        self.current = self._read()
        self._warn_of_unknown()
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._update)

    def _read(self) -> NodeParameters:
        values = {name: self._node.get_parameter(name).value for name in SPECS}
        for name in ('network_size', 'cameras'):
            values[name] = tuple(values[name])
        return NodeParameters(**values)

    def _check(self, parameters: Sequence[Parameter[Any]]) -> SetParametersResult:
        for parameter in parameters:
            if parameter.name in SPECS:
                try:
                    check_parameter(parameter.name, parameter.value)
                except InvalidArgumentError as error:
                    return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _update(self, parameters: Sequence[Parameter[Any]]) -> None:
        self.current = self._read()
        for parameter in parameters:
            if parameter.name in SPECS and SPECS[parameter.name].when == 'at configure':
                self._node.get_logger().info(
                    f"parameter '{parameter.name}' takes effect when the node is configured next"
                )

    def _warn_of_unknown(self) -> None:
        """Warn of names that do nothing: misspelt, or in a file for all nodes and not ours."""
        given = getattr(self._node, '_parameter_overrides', {})
        for name in given:
            if not self._node.has_parameter(name) and not name.startswith('qos_overrides.'):
                self._node.get_logger().warning(
                    f"unknown parameter '{name}' does nothing (known: {', '.join(SPECS)})"
                )
