"""``stdc_seg segment``: masks and pictures of images, folders, videos and cameras."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Annotated

import numpy as np
import tyro
from numpy.typing import NDArray
from rich.markup import escape
from rich.progress import Progress, TaskID, TextColumn

from stdc_core.command_line.frame_source import FrameSource, open_source
from stdc_core.command_line.picture_writer import Kind, PictureWriter
from stdc_core.engines import Backend, InferenceEngine, PrecisionChoice, StageTimes, open_engine
from stdc_core.errors import UserError
from stdc_core.geometry import Size
from stdc_core.labels import LabelSet
from stdc_core.model_file import read_model_file


def segment(
    source: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar='SOURCE')],
    model: Path,
    output: Path = Path('segmented'),
    write: Annotated[
        tuple[Kind, ...], tyro.conf.arg(metavar='{mask,overlay,side_by_side} ...')
    ] = ('mask', 'overlay'),
    opacity: float = 0.5,
    backend: Backend = 'auto',
    size: Annotated[tuple[int, int] | None, tyro.conf.arg(metavar='H W')] = None,
    precision: PrecisionChoice = 'auto',
    threads: Annotated[int | None, tyro.conf.arg(metavar='INT')] = None,
) -> None:
    """Segment an image, a folder of images, a video or a camera.

    Masks are PNG files of class ids in the size of the frame. A camera runs until Ctrl-C.

    :param source: image, folder, video, or index of a camera.
    :param model: the model file (*.onnx).
    :param output: folder for the results, one folder a kind in it.
    :param write: what to write of each frame.
    :param opacity: of the colours in overlays, 0 to 1.
    :param backend: engine; auto takes the fastest that is installed.
    :param size: height and width of the network's input; the model file's own where not given.
    :param precision: of the network's arithmetic; auto is fp16 on a GPU, fp32 on a processor.
    :param threads: for the network; all cores where not given.
    """
    if not 0 <= opacity <= 1:
        raise UserError(f'opacity is {opacity}, expected 0 to 1')
    if not write:
        raise UserError('--write names nothing: name mask, overlay or side_by_side')
    model_file = read_model_file(model)
    labels = model_file.metadata.labels
    frames = open_source(source)
    times: list[StageTimes] = []
    with open_engine(
        model_file,
        backend,
        size=None if size is None else Size(*size),
        precision=precision,
        threads=threads,
    ) as engine:
        print(engine.info)
        video = frames.name if frames.fps else None
        with (
            PictureWriter(output, video, _video_fps(frames, engine)) as writer,
            _progress(frames) as (progress, task),
        ):
            try:
                for name, image in frames.frames:
                    result = engine.infer(image)
                    for kind in write:
                        picture = _picture(kind, image, result.labels, labels, opacity)
                        writer.write(kind, name, picture)
                    times.append(result.stage_ms)
                    progress.update(task, advance=1, fps=_frames_per_second(times[-30:]))
            except KeyboardInterrupt:
                if not frames.live:
                    raise
    if not times:
        raise UserError(f'{source} has no readable frame')
    print(_summary(times, output))
    if frames.missing:
        raise UserError(f'not all could be read: {", ".join(frames.missing)}')


def _picture(
    kind: Kind,
    image: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    labels: LabelSet,
    opacity: float,
) -> NDArray[np.uint8]:
    if kind == 'mask':
        return mask
    overlay = labels.overlay(image, mask, opacity, 'bgr')
    return overlay if kind == 'overlay' else np.hstack([image, overlay])


@contextmanager
def _progress(frames: FrameSource) -> Iterator[tuple[Progress, TaskID]]:
    columns = (
        *Progress.get_default_columns(),
        TextColumn('engine {task.fields[fps]:.1f} frames/s'),
    )
    with Progress(*columns) as progress:
        yield progress, progress.add_task(escape(frames.name), total=frames.total, fps=0.0)


def _frames_per_second(times: list[StageTimes]) -> float:
    return 1e3 / median(stages.total for stages in times)


def _video_fps(frames: FrameSource, engine: InferenceEngine) -> float:
    """Rate of the videos: a camera's frames come no faster than the engine takes them."""
    if not frames.live:
        return frames.fps or 0.0
    warm = engine.infer(engine.model.metadata.self_check.frame)
    return min(frames.fps or 0.0, 1e3 / warm.stage_ms.total)


def _summary(times: list[StageTimes], output: Path) -> str:
    resize, network, tail = (
        median(getattr(stages, stage) for stages in times)
        for stage in ('resize', 'network', 'tail')
    )
    return (
        f'{len(times)} frame(s) in {output}/; median {resize + network + tail:.1f} ms a frame '
        f'(resize {resize:.1f}, network {network:.1f}, tail {tail:.1f}), '
        f'{_frames_per_second(times):.1f} frames/s without reading and writing'
    )
