"""The way from a float model file to an int8 one that keeps within its budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.utils
import onnxruntime
from numpy.typing import NDArray

from stdc_core import __version__
from stdc_core.atomic_file import atomic_path
from stdc_core.engines import Backend, EngineError, open_engine
from stdc_core.errors import InvalidArgumentError
from stdc_core.geometry import Size
from stdc_core.metrics import SegmentationScores
from stdc_core.model_file import (
    ModelFile,
    ModelMetadata,
    add_metadata,
    check_network_size,
    read_model_file,
)
from stdc_core.quantization.budget import Budget, QuantizationError, keep_budget
from stdc_core.quantization.graph import (
    NNCF_VERSION,
    convolutions,
    in_float,
    pruned,
    quantize_graph,
)
from stdc_core.quantization.judge import (
    HeldOutFrame,
    Judge,
    Judgement,
    LiteralNetwork,
    Progress,
)
from stdc_core.self_check import SelfCheck
from stdc_core.synthetic.drive import street_picture

ENGINES: tuple[Backend, ...] = ('onnxruntime', 'openvino')  # that the finished file has to run in


@dataclass(frozen=True)
class CalibrationSet:
    """What to calibrate on and what to judge by.

    :param images: uint8, RGB, (H, W, 3), all of the network's input size, resized as engines do.
    :param held_out: frames that are not among them.
    :param facts: where they are from, for the model file's metadata.
    :param split: name of the split that ``held_out`` is all of; what is measured on it becomes
        the file's metrics. Empty where it is no split.
    """

    images: Sequence[NDArray[np.uint8]]
    held_out: Sequence[HeldOutFrame]
    facts: Mapping[str, Any] = field(default_factory=dict)
    split: str = ''


@dataclass(frozen=True)
class QuantizationReport:
    """What was done and what it cost.

    :param left_in_float: names of the layers; those that the budget asked for come last, the most
        sensitive of them first.
    :param quantized_layers: how many convolutions are int8.
    :param judgement: of the finished network, on the held-out frames.
    :param engine_agreement: by engine, share of the self-check's pixels with the label that the
        graph computed literally has.
    """

    left_in_float: tuple[str, ...]
    quantized_layers: int
    judgement: Judgement
    engine_agreement: Mapping[str, float]


def quantize_model(
    model: ModelFile,
    path: str | Path,
    calibration: CalibrationSet,
    *,
    size: Size,
    budget: Budget = Budget(),  # noqa: B008  # frozen
    on_progress: Progress = lambda what, done, total: None,
) -> QuantizationReport:
    """Write an int8 model file that computes nearly what the float one does.

    The heads' last convolutions stay in float, since quantized logits are often equal. While the
    budget does not hold, the layer whose quantization changes the logits most is left in float,
    too.

    :param model: the float model file.
    :param path: of the int8 one, ``*.onnx``.
    :param size: of the network's input it is calibrated at, and its new default size.
    :raises QuantizationError: the budget does not hold, or an engine computes something else.
    :raises InvalidArgumentError: nothing to calibrate on or to judge by, or the size is out of
        range.
    """
    check_network_size(size)
    if model.metadata.int8:
        raise QuantizationError(f'{model.path} is int8 already: name the float model file')
    for what, frames in (
        ('calibrate on', calibration.images),
        ('judge by', calibration.held_out),
    ):
        if not len(frames):
            raise InvalidArgumentError(f'there is no frame to {what}: name more images')

    layers = convolutions(model.proto)
    judge = Judge(model, size, calibration.held_out, on_progress)
    quantized = quantize_graph(
        model.proto,
        calibration.images,
        on_image=lambda done: on_progress('calibrating', done, len(calibration.images)),
    )
    float_nodes = in_float(quantized)
    quantized, put_back, judgement = keep_budget(
        model, quantized, budget, judge, calibration.images, on_progress
    )
    quantized = pruned(quantized)

    left_in_float = tuple(layers[node] for node in (*float_nodes, *put_back))
    int8_layers = len(layers) - len(left_in_float)
    metadata = replace(
        model.metadata,
        default_size=size,
        self_check=_self_check(replace(model, proto=quantized), size),
        metrics=_metrics(judgement.scores, calibration.split, model.metadata),
        versions={
            **model.metadata.versions,
            'stdc_seg_ros': __version__,
            'nncf': NNCF_VERSION,
            'onnxruntime': onnxruntime.__version__,
        },
        quantization={
            'precision': 'int8',
            'scheme': 'symmetric; weights s8 per channel, of 7 bits (8 in depthwise layers); '
            'activations u8, or s8 where some are negative',
            'size': list(size),
            'calibration_frames': len(calibration.images),
            'held_out_frames': len(calibration.held_out),
            **calibration.facts,
            'budget': asdict(budget),
            'int8_layers': int8_layers,
            'left_in_float': list(left_in_float),
            'label_agreement': judgement.label_agreement,
            'float_miou': None if judgement.float_scores is None else judgement.float_scores.miou,
            'miou': None if judgement.scores is None else judgement.scores.miou,
            'float_metrics': dict(model.metadata.metrics),
            'float_model_sha256': model.sha256,
        },
    )
    with atomic_path(path) as part:
        add_metadata(quantized, metadata)
        onnx.save_model(quantized, part)
        agreement = _run_in_engines(read_model_file(part), path)
    return QuantizationReport(left_in_float, int8_layers, judgement, agreement)


def _self_check(model: ModelFile, size: Size) -> SelfCheck:
    """Let the int8 network say what engines have to find."""
    frame = model.metadata.self_check.frame
    if frame.shape[:2] != size:
        frame = street_picture(size)
    return SelfCheck(frame, LiteralNetwork(model, size).labels(frame))


def _metrics(
    scores: SegmentationScores | None, split: str, metadata: ModelMetadata
) -> dict[str, Any]:
    """Name what was measured on a whole split as training does; the float figures are not ours."""
    if scores is None or not split:
        return {}
    iou = zip(metadata.labels.names, scores.iou, strict=True)
    return {
        f'{split}_miou': scores.miou,
        f'{split}_pixel_accuracy': scores.pixel_accuracy,
        f'{split}_iou': {name: None if np.isnan(value) else value for name, value in iou},
    }


def _run_in_engines(model: ModelFile, path: str | Path) -> dict[str, float]:
    agreement: dict[str, float] = {}
    for backend in ENGINES:
        try:
            with open_engine(model, backend) as engine:
                agreement[backend] = engine.info.agreement
        except EngineError as error:
            raise QuantizationError(f'{path} was not written: {error}') from error
    return agreement
