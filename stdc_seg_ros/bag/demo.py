"""``stdc_seg_demo``: a drive through the real node, and a page that shows what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import tyro
from rich.progress import BarColumn, Progress, TextColumn

from stdc_core.engines import open_engine
from stdc_core.errors import InvalidArgumentError
from stdc_core.model_file import read_model_file
from stdc_core.synthetic.drive import SyntheticDrive
from stdc_seg_ros.bag.bag_reader import BagReader
from stdc_seg_ros.bag.bag_writer import BagConfig, LabeledImage, write_bag
from stdc_seg_ros.bag.mask_recorder import Seen
from stdc_seg_ros.bag.replay import ReplayConfig, ReplayResult, replay
from stdc_seg_ros.bag.report import Report, write_report
from stdc_seg_ros.bag.scoring import MaskScores, sample_pictures, score_masks
from stdc_seg_ros.default_model import find_default_model

DRIVE_SEED = 13
DRIVE_FIRST = 560  # frame of that drive at which the demo begins: zebra crossing, cyclists, cars
DRIVE_SIZE = (360, 480)
DRIVE_HZ = 15.0
PICTURES = 6
LABEL_TOPIC = '/camera/labels'


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

    Player, node and recorder are processes of their own, and talk over ROS topics. Without a bag
    the drive is one that this package renders, with exact labels.

    :param output: folder for the page, masks and logs.
    :param bag: a rosbag2 to play instead of the rendered drive.
    :param topic: with its images, where it has several.
    :param label_topic: with its labels (mono8 class ids); /camera/labels where it has that.
    :param model: model file; the one of the package where not given.
    :param seconds: length of the rendered drive.
    :param rate: of time: 2 plays twice as fast.
    """
    if not seconds > 0:
        raise InvalidArgumentError(f'seconds is {seconds}, expected above 0')
    model_file = read_model_file((model or find_default_model()).resolve())
    output.mkdir(parents=True, exist_ok=True)
    title = 'Segmentation of a rendered drive' if bag is None else 'Segmentation of a bag'
    with _progress() as progress:
        if bag is None:
            bag = _rendered_bag(output / 'drive', seconds, progress)
        task = progress.add_task('starting the node', total=1.0, say='')

        def show(share: float, seen: Seen) -> None:
            progress.update(task, completed=share, description='replaying', say=_live(seen))

        config = ReplayConfig(bag, output, topic, rate, {'model': str(model_file.path)})
        result = replay(config, show)
        labels = model_file.metadata.labels
        with (
            BagReader(bag) as reader,
            open_engine(model_file, detail=model_file.has_detail) as engine,
        ):
            if label_topic is None and LABEL_TOPIC in reader.topics:
                label_topic = LABEL_TOPIC
            task = progress.add_task('scoring', total=PICTURES, say='')
            scores = None
            if label_topic is not None:
                scores = score_masks(reader, label_topic, result.masks, labels)
            pictures = sample_pictures(
                reader, result.topic, label_topic, result.masks, engine, PICTURES,
                lambda: progress.advance(task),
            )  # fmt: skip
    page = output / 'report.html'
    write_report(page, Report(title, bag, result, labels, scores, pictures))
    print(_summary(result, scores))
    print(f'page: {page}')


def _progress() -> Progress:
    return Progress(
        TextColumn('{task.description:18}'), BarColumn(24),
        TextColumn('{task.fields[say]}'),
    )  # fmt: skip


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


def _live(seen: Seen) -> str:
    if seen.mask_rate is None or seen.image_rate is None or seen.latency is None:
        return f'{seen.masks} masks of {seen.images} images'
    return (
        f'{seen.mask_rate:.1f} masks/s of {seen.image_rate:.1f} images/s, '
        f'latency p50 {seen.latency.p50:.0f} ms, p95 {seen.latency.p95:.0f} ms'
    )


def _summary(result: ReplayResult, scores: MaskScores | None) -> str:
    camera = result.camera
    ledger = ' + '.join(
        f'{name} {camera.get(f"frames {name}", "n/a")}'
        for name in ('processed', 'replaced', 'rejected', 'failed', 'lost', 'in flight')
    )
    lines = [
        f'engine:  {result.engine.get("backend")}, {result.engine.get("precision")}, '
        f'{result.engine.get("threads")} threads',
        f'masks:   {result.seen.masks} of {result.images} images in {result.seconds:.1f} s',
        f'ledger:  published {camera.get("frames published", "n/a")} = {ledger}',
        f'latency: {result.seen.latency or "n/a"}, image published to mask received',
    ]
    if scores is not None:
        lines.append(f'mIoU:    {scores.regions.miou:.1%} on {scores.frames} masks')
    return '\n'.join(lines)
