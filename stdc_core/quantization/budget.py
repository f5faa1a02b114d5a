"""What int8 may cost, and which layers go back to float until it costs no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx
from numpy.typing import NDArray

from stdc_core.errors import InvalidArgumentError, UserError
from stdc_core.model_file import ModelFile
from stdc_core.quantization.graph import convolutions, in_float, in_float_again
from stdc_core.quantization.judge import Judge, Judgement, LiteralNetwork, Progress

MAX_LEFT_OUT = 12  # layers beside the heads; with more of them in float there is little to gain
RANKING_IMAGES = 4


class QuantizationError(UserError, RuntimeError):
    """The int8 network is too far from the float one; no file was written."""


@dataclass(frozen=True)
class Budget:
    """What int8 may cost on the held-out frames.

    :param min_agreement: share of the pixels that must keep the float network's label, 0..1.
    :param max_miou_loss: how much mIoU may be lost, 0..1; looked at where there are labels.
    """

    min_agreement: float = 0.99
    max_miou_loss: float = 0.005

    def __post_init__(self) -> None:
        for what, share in (
            ('smallest label agreement', self.min_agreement),
            ('largest loss of mIoU', self.max_miou_loss),
        ):
            if not 0 <= share <= 1:
                raise InvalidArgumentError(f'{what} is {share}, expected 0 to 1')

    def holds(self, judgement: Judgement) -> bool:
        """Whether an int8 network is good enough; one with NaN is not."""
        loss = judgement.miou_loss
        return judgement.label_agreement >= self.min_agreement and (
            loss is None or loss <= self.max_miou_loss
        )


def keep_budget(
    model: ModelFile,
    quantized: onnx.ModelProto,
    budget: Budget,
    judge: Judge,
    images: Sequence[NDArray[np.uint8]],
    on_progress: Progress,
) -> tuple[onnx.ModelProto, list[str], Judgement]:
    """Put layers back into float, the most sensitive first, until the budget holds.

    :param model: the float model.
    :param images: network inputs to rank the layers on, not those they are judged by.
    :return: the graph, the nodes put back into float, and what the graph was found to cost.
    :raises QuantizationError: it never holds.
    """
    left_out: list[str] = []
    judgement = judge.judge(replace(model, proto=quantized))
    ranking: list[str] | None = None
    while not budget.holds(judgement):
        if ranking is None:
            candidates = [
                name for name in convolutions(model.proto) if name not in in_float(quantized)
            ]
            ranking = _rank(model, quantized, candidates, images[:RANKING_IMAGES], on_progress)
            del ranking[MAX_LEFT_OUT:]
        if not ranking:
            raise QuantizationError(_over(budget, judgement, len(in_float(quantized))))
        left_out.append(ranking.pop(0))
        quantized = in_float_again(quantized, model.proto, left_out[-1])
        judgement = judge.judge(replace(model, proto=quantized))
    return quantized, left_out, judgement


def _rank(
    model: ModelFile,
    quantized: onnx.ModelProto,
    candidates: Sequence[str],
    images: Sequence[NDArray[np.uint8]],
    on_progress: Progress,
) -> list[str]:
    """Order layers by the error of the logits that is left when one of them is in float."""
    size = images[0].shape[:2]
    network = LiteralNetwork(model, size)
    expected = [network.logits(image) for image in images]
    errors = {}
    for number, name in enumerate(candidates, start=1):
        proto = in_float_again(quantized, model.proto, name)
        network = LiteralNetwork(replace(model, proto=proto), size)
        errors[name] = float(
            np.mean(
                [
                    np.square(network.logits(image) - logits).mean()
                    for image, logits in zip(images, expected, strict=True)
                ]
            )
        )
        on_progress('ranking layers', number, len(candidates))
    return sorted(candidates, key=errors.__getitem__)


def _over(budget: Budget, judgement: Judgement, float_layers: int) -> str:
    reached = f'{judgement.label_agreement:.2%} of the labels are those of the float network'
    wanted = f'at least {budget.min_agreement:.2%}'
    if judgement.miou_loss is not None:
        reached += f' and {100 * judgement.miou_loss:.2f} points of mIoU are lost'
        wanted += f' and at most {100 * budget.max_miou_loss:.2f} points'
    return (
        f'int8 costs too much: with {float_layers} layers left in float {reached}, expected '
        f'{wanted}: '
        'calibrate on more images like those it will see, or allow more'
    )
