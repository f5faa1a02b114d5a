"""``build_bag``: a folder of pictures, with labels where there are some, as a rosbag2."""

import sys
from pathlib import Path
from typing import Annotated

import tyro
from rich.progress import Progress

from stdc_core.labels import open_label_set
from stdc_seg_ros.bag.bag_writer import BagConfig, Encoding, Storage, write_bag
from stdc_seg_ros.bag.picture_folder import PictureFolder


def build_bag(
    images: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar='IMAGES')],
    output: Path,
    labels: Annotated[Path | None, tyro.conf.arg(metavar='PATH')] = None,
    label_set: str = 'camvid',
    rate: float = BagConfig.rate_hz,
    first_stamp: int = BagConfig.first_stamp_ns // 10**9,
    encoding: Encoding = BagConfig.encoding,
    storage: Storage = BagConfig.storage,
) -> None:
    """Make a rosbag2 of a folder of pictures.

    Topics: /camera/image_raw (or /camera/image_raw/compressed), /camera/camera_info with guessed
    intrinsics, and /camera/labels (mono8 class ids, 255 unlabeled).

    :param images: folder of the pictures, one drive in the order of their names.
    :param output: folder of the bag, which must not be there yet.
    :param labels: folder of PNGs of class ids, named as the pictures.
    :param label_set: what the ids mean: camvid, cityscapes, or a YAML file.
    :param rate: pictures a second.
    :param first_stamp: stamp of the first picture, seconds since 1970.
    :param encoding: of the images; compressed takes JPEG and PNG files as they are.
    :param storage: of the bag.
    """
    config = BagConfig(
        rate_hz=rate, first_stamp_ns=first_stamp * 10**9, encoding=encoding, storage=storage
    )
    folder = PictureFolder(
        images, labels, open_label_set(label_set), keep_files=encoding == 'compressed'
    )
    with Progress() as progress:
        pictures = progress.track(folder, total=len(folder), description='pictures')
        summary = write_bag(output, pictures, config)
    print(f'{summary.path}: {summary.frames} pictures, {summary.labeled} with labels')
    if folder.labels_without_picture:
        print(f'{folder.labels_without_picture} label files have no picture', file=sys.stderr)
