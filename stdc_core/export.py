"""Checkpoint to model file: one ONNX graph from uint8 RGB to logits at 1/8, checked before use."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn

from stdc_core import __version__
from stdc_core.atomic_file import atomic_path
from stdc_core.engines import SelfCheckError, open_engine
from stdc_core.errors import UserError
from stdc_core.geometry import FrameGeometry, ResizeMode, Size
from stdc_core.half_weights import store_half
from stdc_core.model_file import (
    MAX_SIZE,
    MIN_SIZE,
    ModelFile,
    ModelMetadata,
    add_metadata,
    check_network_size,
    logit_grid,
    read_model_file,
)
from stdc_core.networks.checkpoint import Checkpoint
from stdc_core.networks.model_graph import ModelGraph
from stdc_core.networks.stdc_seg import fold_for_inference
from stdc_core.self_check import SelfCheck
from stdc_core.synthetic.drive import street_picture
from stdc_core.upsample import upsample_labels

MAX_LOGIT_DIFFERENCE = 1e-3  # absolute, ONNX Runtime against torch, both fp32
MIN_LABEL_AGREEMENT = 0.9999  # demanded of trained weights; random ones lie too close to ties
OPSET = 18
SECOND_SIZE = Size(72, 136)  # sides that 16 and 32 do not divide, to prove the dynamic size


class ExportError(UserError, RuntimeError):
    """The exported graph is not the network; no file was written."""


@dataclass(frozen=True)
class ExportReport:
    """What the export's check measured on the self-check frame, at two input sizes.

    :param logit_difference: largest absolute difference between ONNX Runtime and torch, of class
        and detail logits.
    :param label_agreement: share of equal labels at the default size, 0..1.
    """

    logit_difference: float
    label_agreement: float


def export_model(
    checkpoint: Checkpoint,
    path: str | Path,
    *,
    size: Size,
    detail: bool = True,
    resize: ResizeMode = 'stretch',
    half_weights: bool = False,
    align_corners: bool | None = None,
) -> ExportReport:
    """Write a model file and compare it with torch; a file that differs is not kept.

    :param checkpoint: what to export.
    :param path: of the model file, ``*.onnx``.
    :param size: default input size.
    :param detail: keep the detail head; an engine computes it only where it is asked for.
    :param resize: how frames become the network's input.
    :param half_weights: round the weights to half precision, which halves the file; engines get
        them as float32.
    :param align_corners: how logits are upsampled; as in training where None.
    :raises ExportError: the file's logits or labels are not torch's.
    :raises InvalidArgumentError: the size is out of range.
    """
    check_network_size(size)
    if align_corners is None:
        align_corners = checkpoint.align_corners
    network = fold_for_inference(checkpoint.build(), detail=detail)
    if half_weights:
        _round_to_half(network)
    graph = ModelGraph(network).eval()
    frame = street_picture(size)
    sampling = FrameGeometry(size, size, resize).sampling(logit_grid(size), align_corners)
    labels = upsample_labels(_torch_outputs(graph, frame)[0], sampling)
    metadata = ModelMetadata(
        labels=checkpoint.labels,
        architecture=asdict(checkpoint.config),
        default_size=size,
        resize=resize,
        align_corners=align_corners,
        self_check=SelfCheck(frame, labels),
        recipe=checkpoint.recipe,
        metrics=checkpoint.metrics,
        source_sha256=checkpoint.sha256,
        versions={'stdc_seg_ros': __version__, 'torch': torch.__version__},
    )
    with atomic_path(path) as part:
        proto = _to_onnx(graph, detail=detail)
        if half_weights:
            store_half(proto)
        add_metadata(proto, metadata)
        onnx.save_model(proto, part)
        return _compare_with_torch(read_model_file(part), graph)


@torch.no_grad()
def _round_to_half(network: nn.Module) -> None:
    for parameter in network.parameters():
        parameter.copy_(parameter.half())


def _to_onnx(graph: ModelGraph, *, detail: bool) -> onnx.ModelProto:
    image = torch.zeros(1, *SECOND_SIZE, 3, dtype=torch.uint8)
    side = {
        name: torch.export.Dim(name, min=MIN_SIZE, max=MAX_SIZE) for name in ('height', 'width')
    }
    with _quiet_exporter():
        program = torch.onnx.export(
            graph,
            (image,),
            dynamo=True,
            external_data=False,
            opset_version=OPSET,
            input_names=['image'],
            output_names=['logits', 'detail'] if detail else ['logits'],
            dynamic_shapes={'image': {1: side['height'], 2: side['width']}},
            verbose=False,
        )
    assert program is not None
    return program.model_proto


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Hide the exporter's remarks: on torchvision, and on the output of a head that is gone."""
    exporter = logging.getLogger('torch.onnx._internal.exporter')
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings('ignore', r'.isinstance\(treespec, LeafSpec\)', FutureWarning)
            yield
    finally:
        exporter.setLevel(level)


def _compare_with_torch(model: ModelFile, graph: ModelGraph) -> ExportReport:
    check = model.metadata.self_check
    differences = []
    agreement = 1.0
    for size in (model.metadata.default_size, SECOND_SIZE):
        frame = check.frame if size == check.frame.shape[:2] else street_picture(size)
        try:
            with open_engine(model, 'onnxruntime', size=size, detail=model.has_detail) as engine:
                found = [part for part in engine.run_network(frame) if part is not None]
                differences += [
                    np.abs(part - expected).max()
                    for part, expected in zip(found, _torch_outputs(graph, frame), strict=True)
                ]
                agreement = min(agreement, engine.info.agreement)
        except SelfCheckError as error:
            raise ExportError(
                f'labels of the exported graph are not those of torch: {error}'
            ) from error
    difference = float(np.max(differences))  # NaN where any is
    if not difference <= MAX_LOGIT_DIFFERENCE:
        raise ExportError(
            f'logits of the exported graph differ from torch by {difference:.2g}, expected at '
            f'most {MAX_LOGIT_DIFFERENCE:g}'
        )
    if model.metadata.trained and agreement < MIN_LABEL_AGREEMENT:
        raise ExportError(
            f'labels of the exported graph agree with torch on {agreement:.4%}, expected at '
            f'least {MIN_LABEL_AGREEMENT:.2%}'
        )
    return ExportReport(difference, agreement)


def _torch_outputs(graph: ModelGraph, frame: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """Class logits (C, h, w), and detail logits (h, w) where there is a detail head."""
    with torch.inference_mode():
        logits, detail = graph(torch.from_numpy(frame)[None])
    outputs = [logits[0]] if detail is None else [logits[0], detail[0, 0]]
    return [output.contiguous().numpy() for output in outputs]
