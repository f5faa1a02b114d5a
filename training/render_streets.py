"""Render streets with exact labels to train on: ``python training/render_streets.py --help``."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated

import cv2
import tyro
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from stdc_core.atomic_file import atomic_path
from stdc_core.command_line.run_command import run_command
from stdc_core.errors import UserError
from stdc_core.image_file import write_image_file
from stdc_core.synthetic.drive import FRAMES_A_STREET, frame_from_anywhere
from stdc_core.training.recipe import check_range

DESCRIPTION = 'rendered.yaml'
YAML = """# Rendered by training/render_streets.py: seed {seed}, {height}x{width}.
name: rendered streets
label_set: camvid
label_kind: ids
splits:
  train: {{images: train/images, labels: train/labels}}
  val: {{images: val/images, labels: val/labels}}
"""
JPEG_QUALITY = 92


def render_streets(
    output: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar='DIR')],
    frames: int = 2400,
    val_frames: int = 120,
    size: tuple[int, int] = (360, 480),
    seed: int = 0,
    processes: int = len(os.sched_getaffinity(0)),
) -> None:
    """Render streets, no two frames from one place, and describe them as a data set.

    Frames that are there already are kept, so that an interrupted run goes on. Validation frames
    come from streets of their own.

    :param output: folder of the data set; its YAML file is rendered.yaml.
    :param frames: to train on.
    :param val_frames: to evaluate on.
    :param size: height and width, pixels.
    :param seed: decides every street.
    :param processes: that render at a time.
    """
    for name, value in (('frames', frames), ('val-frames', val_frames), ('processes', processes)):
        check_range(name, value, least=1)
    check_range('size', min(size), least=64)
    description = YAML.format(seed=seed, height=size[0], width=size[1])
    file = output / DESCRIPTION
    if file.exists() and file.read_text(encoding='utf-8') != description:
        raise UserError(f'{output} holds streets of another seed or size: name another folder')
    for split in ('train', 'val'):
        for kind in ('images', 'labels'):
            (output / split / kind).mkdir(parents=True, exist_ok=True)
    with atomic_path(file) as part:
        part.write_text(description, encoding='utf-8')
    works = [('train', seed, range(start, min(start + FRAMES_A_STREET, frames)))
             for start in range(0, frames, FRAMES_A_STREET)]  # fmt: skip
    works += [('val', seed + 1_000_003, range(start, min(start + 2, val_frames)))
              for start in range(0, val_frames, 2)]  # fmt: skip
    with (
        Progress(
            *Progress.get_default_columns(), MofNCompleteColumn(), TimeRemainingColumn()
        ) as bar,
        ProcessPoolExecutor(processes) as pool,
    ):
        task = bar.add_task('rendering', total=frames + val_frames)
        for count in pool.map(partial(_render, output, size), works):
            bar.advance(task, count)
    print(f'{frames} + {val_frames} frames: {file}')


def _render(output: Path, size: tuple[int, int], work: tuple[str, int, range]) -> int:
    """Render some frames.

    :return: how many there are.
    """
    split, seed, indices = work
    for index in indices:
        image = output / split / 'images' / f'{split}_{index:06}.jpg'
        labels = output / split / 'labels' / f'{split}_{index:06}.png'
        if image.exists() and labels.exists():
            continue
        place = index * FRAMES_A_STREET if split == 'val' else index  # a street for each
        frame = frame_from_anywhere(place, seed, size)
        write_image_file(labels, frame.labels)
        write_image_file(image, frame.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return len(indices)


def main() -> int:
    """Run the command line of this process.

    :return: the exit code.
    """
    return run_command(
        'render_streets', lambda: tyro.cli(render_streets, prog='render_streets.py')
    )


if __name__ == '__main__':
    sys.exit(main())
