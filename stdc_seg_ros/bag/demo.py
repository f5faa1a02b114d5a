"""``stdc_seg_demo``: a drive through the real node, and a page that shows what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import tyro
from rich.progress import Progress

from stdc_core.errors import InvalidArgumentError
from stdc_core.model_file import read_model_file
from stdc_core.synthetic.drive import SyntheticDrive
from stdc_seg_ros.bag.bag_writer import BagConfig, LabeledImage, write_bag
from stdc_seg_ros.default_model import find_default_model
from stdc_seg_ros.evaluation.drive import DriveChoice, open_drive
from stdc_seg_ros.evaluation.one_bag import Job, evaluate_drive, progress_bar, summary

DRIVE_SEED = 13
DRIVE_FIRST = 560  # frame of that drive at which the demo begins: zebra crossing, cyclists, cars
DRIVE_SIZE = (360, 480)
DRIVE_HZ = 15.0


def demo(
    output: Path = Path('demo'),
    bag: Annotated[Path | None, tyro.conf.arg(metavar='PATH')] = None,
    topic: Annotated[str | None, tyro.conf.arg(metavar='NAME')] = None,
    label_topic: Annotated[str | None, tyro.conf.arg(metavar='NAME')] = None,
    model: Annotated[Path | None, tyro.conf.arg(metavar='FILE')] = None,
    seconds: float = 12.0,
    rate: float = 1.0,
) -> None:
    """Play a drive through the segmentation node and write a page about it.

    It is evaluate_bag --replay. Without a bag the drive is one that this package renders, with
    exact labels.

    :param output: folder for the page, masks and logs.
    :param bag: a rosbag2 to play instead of the rendered drive.
    :param topic: with its images, where it has several.
    :param label_topic: with its labels (ids or colours); /camera/labels where it has that.
    :param model: model file; the one of the package where not given.
    :param seconds: length of the rendered drive.
    :param rate: of time: 2 plays twice as fast.
    """
    if not seconds > 0:
        raise InvalidArgumentError(f'seconds is {seconds}, expected above 0')
    model_file = read_model_file((model or find_default_model()).resolve())
    output.mkdir(parents=True, exist_ok=True)
    title = 'Segmentation of a rendered drive' if bag is None else 'Segmentation of a bag'
    with progress_bar() as progress:
        if bag is None:
            bag = _rendered_bag(output / 'drive', seconds, progress)
        drive = open_drive(DriveChoice(bag, topic, label_topic), model_file.metadata.labels)
        job = Job('replay', output, title, rate)
        evaluation = evaluate_drive(drive, model_file, job, progress)
    print(summary(evaluation))
    print(f'page: {output / "report.html"}')


def _rendered_bag(folder: Path, seconds: float, progress: Progress) -> Path:
    """Render the drive, once: a bag of the same length is taken as it is."""
    drive = SyntheticDrive(DRIVE_SEED, DRIVE_SIZE, DRIVE_HZ)
    count = max(1, min(round(seconds * DRIVE_HZ), len(drive) - DRIVE_FIRST))
    bag = folder / f'seed{DRIVE_SEED}_{count}_frames'
    if bag.exists():
        return bag

    def frames() -> Iterator[LabeledImage]:
        task = progress.add_task('rendering', total=count, say='')
        for index in range(count):
            frame = drive.frame(DRIVE_FIRST + index)
            progress.update(task, advance=1, say=f'{index + 1} of {count} frames')
            yield LabeledImage(frame.image, frame.labels)

    write_bag(bag, frames(), BagConfig(rate_hz=DRIVE_HZ))
    return bag
