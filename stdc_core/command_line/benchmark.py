"""``stdc_seg benchmark``: how fast this machine is, against the authors' way."""

import json
import os
import tempfile
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import rich
import tyro
from numpy.typing import NDArray
from rich.markup import escape

from stdc_core.atomic_file import atomic_path
from stdc_core.benchmark.report import Report
from stdc_core.benchmark.suite import run_suite
from stdc_core.errors import UserError
from stdc_core.geometry import Size
from stdc_core.image_file import ImageFileError, decode_image_file, read_image_file
from stdc_core.model_file import ModelFile, read_model_file
from stdc_core.synthetic.drive import street_picture


def benchmark(
    model: Annotated[Path | None, tyro.conf.arg(metavar='PATH')] = None,
    int8: Annotated[Path | None, tyro.conf.arg(metavar='PATH')] = None,
    image: Annotated[Path | None, tyro.conf.arg(metavar='PATH')] = None,
    size: Annotated[tuple[int, int], tyro.conf.arg(metavar='H W')] = (512, 1024),
    frame: Annotated[tuple[int, int], tyro.conf.arg(metavar='H W')] = (720, 1280),
    threads: Annotated[int | None, tyro.conf.arg(metavar='INT')] = None,
    rounds: int = 20,
    json_file: Annotated[Path | None, tyro.conf.arg(metavar='PATH', name='json')] = None,
) -> None:
    """Time networks, tails and whole frames in turns, against the authors' way.

    The authors' way is torch eager fp32, bilinear upsampling of the logits, argmax. Everything is
    timed in one process, one case after the other, round after round, so that ratios hold on a
    busy machine too. Engines that are not installed are left out, and named.

    :param model: model file; without one, STDC1 with random weights (needs torch). Random weights
        run as fast as trained ones, but their masks are finer, so tails take longer.
    :param int8: the same model's int8 file (``stdc_seg quantize``), timed beside it.
    :param image: image to segment; without one, a drawn street.
    :param size: height and width of the network's input.
    :param frame: height and width the image is resized to first, as if from a camera.
    :param threads: for every network; all cores where not given.
    :param rounds: timed rounds.
    :param json_file: also write everything measured to this file.
    """
    if rounds < 1:
        raise UserError(f'rounds is {rounds}, expected at least 1')
    if min(frame) < 1:
        raise UserError(f'frame is {frame[0]}x{frame[1]}, expected at least 1x1')
    # Idle torch threads sleep: spinning, they would take the cores from the next case.
    os.environ.setdefault('OMP_WAIT_POLICY', 'passive')
    model_file = _random_model(Size(*size)) if model is None else read_model_file(model)
    with rich.get_console().status('') as status:
        report = run_suite(
            model_file,
            _camera_frame(image, Size(*frame)),
            int8=None if int8 is None else read_model_file(int8),
            size=Size(*size),
            threads=len(os.sched_getaffinity(0)) if threads is None else threads,
            rounds=rounds,
            on_group=lambda name: status.update(f'timing {name}, {rounds} rounds'),
        )
    _print(report)
    if json_file is not None:
        with atomic_path(json_file) as part:
            part.write_text(json.dumps(report.to_dict(), indent=1) + '\n')
        print(f'written to {json_file}')


def _random_model(size: Size) -> ModelFile:
    try:
        from stdc_core.export import export_model
        from stdc_core.labels import CITYSCAPES
        from stdc_core.networks import STDCSeg, STDCSegConfig
        from stdc_core.networks.checkpoint import Checkpoint
    except ImportError as error:
        raise UserError(f'random weights need {error.name}: name a --model') from error
    network = STDCSeg(STDCSegConfig('stdc1', len(CITYSCAPES)))
    checkpoint = Checkpoint(network.config, CITYSCAPES, network.state_dict())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'stdc1_random_weights.onnx'
        export_model(checkpoint, path, size=size)
        return read_model_file(path)


def _camera_frame(image: Path | None, size: Size) -> NDArray[np.uint8]:
    if image is None:
        return street_picture(size)
    try:
        picture = decode_image_file(read_image_file(image), cv2.IMREAD_COLOR)
    except ImageFileError as error:
        raise UserError(f'{image}: {error}') from error
    return cv2.resize(picture, size[::-1])  # type: ignore[return-value]


def _print(report: Report) -> None:
    for name, value in report.setting.items():
        shown = (
            ''.join(f'\n  {key}: {part}' for key, part in value.items())
            if isinstance(value, dict)
            else value
        )
        print(f'{name}: {shown}')
    for part in report.printable():
        rich.print(part)
    for name, share in report.outside_network.items():
        rich.print(f'{name}: {share:.1%} of the whole frame is not the network')
    for reason in report.left_out:
        rich.print(f'[yellow]left out[/yellow] {escape(reason)}')
