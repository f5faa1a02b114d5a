"""An engine against ONNX Runtime in fp32, and its own kernels against the CPU's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from gpu_frames import Frames

from stdc_core.engines import InferenceEngine
from stdc_core.geometry import FrameGeometry
from stdc_core.model_file import logit_grid
from stdc_core.upsample import upsample_labels


@dataclass(frozen=True)
class Agreement:
    """How close an engine is.

    :param engine: what it says of itself.
    :param label_agreement_mean: share of the camera's pixels with the reference's label.
    :param label_agreement_worst: of one frame.
    :param logits_relative_error: the largest of all frames.
    :param pixels_unlike_the_cpus_resize_and_tail: with the engine's own logits, over all frames;
        some where the library's kernels differ between a single run and the graph.
    :param pixels_unlike_themselves: between the same frame again and again, with others between.
    """

    engine: str
    frames: str
    label_agreement_mean: float
    label_agreement_worst: float
    logits_relative_error: float
    pixels_unlike_the_cpus_resize_and_tail: int
    pixels_unlike_themselves: int


def compare(engine: InferenceEngine, reference: InferenceEngine, frames: Frames) -> Agreement:
    """Run both over all frames; the camera's size is another than the network's."""
    metadata, size = engine.model.metadata, engine.size
    geometry = FrameGeometry(frames.camera, size, metadata.resize)
    sampling = geometry.sampling(logit_grid(size), metadata.align_corners)
    image = np.empty((*size, 3), np.uint8)
    agreements, errors, unlike_cpu, unlike_themselves = [], [], 0, 0
    for frame in frames.at(frames.camera):
        geometry.resize(frame, image, 'bgr')
        expected = reference.run_network(image).logits.copy()
        own = engine.run_network(image).logits.copy()
        errors.append(np.linalg.norm(own - expected) / np.linalg.norm(expected))
        labels = engine.infer(frame).labels.copy()
        for _ in range(2):  # the recorded graph, with another frame in between
            engine.infer(np.ascontiguousarray(255 - frame))
            unlike_themselves += int((engine.infer(frame).labels != labels).sum())
        unlike_cpu += int((labels != upsample_labels(own, sampling)).sum())
        agreements.append(np.mean(labels == upsample_labels(expected, sampling)))
    return Agreement(
        str(engine.info),
        str(frames),
        round(float(np.mean(agreements)), 6),
        round(float(np.min(agreements)), 6),
        float(f'{np.max(errors):.3g}'),
        unlike_cpu,
        unlike_themselves,
    )
