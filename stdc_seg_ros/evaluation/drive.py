"""A recorded drive to evaluate: images of a bag, and their truth where there is some."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stdc_core.labels import LabelSet
from stdc_seg_ros.bag.bag_reader import COMPRESSED_IMAGE, BagReader, find_image_topic
from stdc_seg_ros.bag.errors import BagError
from stdc_seg_ros.evaluation.stamps import message_stamp_ns, raw_stamp_ns
from stdc_seg_ros.evaluation.truth import FolderTruth, TopicTruth, Truth, check_match
from stdc_seg_ros.image_messages import CameraFrame, decode_compressed, decode_image

LABEL_TOPIC = '/camera/labels'


@dataclass(frozen=True)
class DriveChoice:
    """What a user asks for.

    :param bag: folder of the bag, or a file of it.
    :param topic: with the images; None where the bag has only one.
    :param label_topic: with the labels; None takes /camera/labels where the bag has that and
        there is no ``label_folder``.
    :param label_folder: of PNGs by stamp.
    """

    bag: Path
    topic: str | None = None
    label_topic: str | None = None
    label_folder: Path | None = None


@dataclass(frozen=True)
class Drive:
    """A drive that can be evaluated.

    :param topic: with the images.
    :param compressed: whether they are.
    :param stamps: of the images, nanoseconds, in the order of recording.
    :param truth: None where there is none.
    :param notes: what a reader of the figures has to know.
    """

    bag: Path
    topic: str
    compressed: bool
    stamps: tuple[int, ...]
    truth: Truth | None
    notes: tuple[str, ...]

    def messages(self, wanted: set[int] | None = None) -> Iterator[tuple[int, Any]]:
        """Go through the images in the order of recording, as stamp and message.

        :param wanted: stamps; all where None.
        """
        with BagReader(self.bag, salvage=True) as reader:
            chosen = reader.read(
                self.topic, lambda raw: wanted is None or raw_stamp_ns(raw) in wanted
            )
            for _, message in chosen:
                yield message_stamp_ns(message), message

    def decode(self, message: Any) -> CameraFrame:
        """Make pixels of a message.

        :raises UserError: it is no image that can be read.
        """
        return decode_compressed(message) if self.compressed else decode_image(message)


def open_drive(choice: DriveChoice, labels: LabelSet) -> Drive:
    """Look through a bag before it is evaluated: what is there, and does it fit.

    :param labels: of the model.
    :raises BagError: nothing to evaluate, or labels that fit no image.
    """
    with BagReader(choice.bag, salvage=True) as reader:
        topic = find_image_topic(reader, choice.topic, choice.label_topic)
        compressed = reader.topic(topic).type == COMPRESSED_IMAGE
        promised = reader.topic(topic).message_count
        stamps = tuple(raw_stamp_ns(raw.data) for raw in reader.read_raw([topic]))
        has_labels = LABEL_TOPIC in reader.topics
        damage = reader.damage
    notes = []
    of = f' of the {promised} that its metadata promises' if promised > len(stamps) else ''
    if damage:
        notes.append(f'Damaged bag: {len(stamps)} images could be read{of} ({damage}).')
    elif of:
        notes.append(f'The bag has {len(stamps)} images{of}.')
    if not stamps:
        why = f' that can be read ({damage})' if damage else ''
        raise BagError(f'{choice.bag}: {topic} has no images{why}: nothing to evaluate')
    if (twice := len(stamps) - len(set(stamps))) > 0:
        raise BagError(
            f'{choice.bag}: {twice} images of {topic} have the stamp of another one (e.g. '
            f'{stamps[0]}), expected each its own: masks are told apart by them'
        )
    label_topic = choice.label_topic
    if label_topic is None and choice.label_folder is None and has_labels:
        label_topic = LABEL_TOPIC
    truth: Truth | None = None
    if label_topic is not None:
        truth = TopicTruth(choice.bag, label_topic, labels, salvage=True)
    elif choice.label_folder is not None:
        truth = FolderTruth(choice.label_folder, labels)
    if truth is not None:
        matched = check_match(stamps, truth)
        if alone := len(truth.stamps) - matched:
            notes.append(f'{alone} labels of {truth.source} have no image of their stamp.')
        if not truth.stamps:
            notes.append(f'There are no labels in {truth.source}.')
            truth = None
    return Drive(choice.bag, topic, compressed, stamps, truth, tuple(notes))
