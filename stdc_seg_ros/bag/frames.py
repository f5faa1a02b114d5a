"""Pictures of a bag for those who know nothing of messages: ``stdc_seg quantize --bag``."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import count
from pathlib import Path

import numpy as np

from stdc_core.command_line.frame_source import Frame, FrameSource, evenly_spaced
from stdc_core.errors import UserError
from stdc_seg_ros.bag.bag_reader import COMPRESSED_IMAGE, BagReader, find_image_topic
from stdc_seg_ros.bag.errors import BagError
from stdc_seg_ros.image_messages import decode_compressed, decode_image


def open_bag(path: Path, topic: str | None, at_most: int) -> FrameSource:
    """Open the images of a topic, raw or compressed.

    :param path: folder of the bag, or one file of it.
    :param topic: None where the bag has only one with images.
    :param at_most: take no more than so many frames, evenly spaced.
    :return: named as the topic; reading on raises BagError where the bag is damaged.
    :raises BagError: it is no bag, or has no such topic.
    """
    with BagReader(path) as reader:
        name = find_image_topic(reader, topic)
        chosen = evenly_spaced(reader.topic(name).message_count, at_most)
    return FrameSource(name, _frames(path, name, chosen), len(chosen))


def _frames(path: Path, topic: str, chosen: Collection[int]) -> Iterator[Frame]:
    numbers = count()
    with BagReader(path) as reader:
        compressed = reader.topic(topic).type == COMPRESSED_IMAGE
        messages = reader.read(topic, lambda data: next(numbers) in chosen)
        for number in chosen:
            if (found := next(messages, None)) is None:
                raise BagError(
                    f'{path} has {next(numbers)} images on {topic}, its metadata promises '
                    f'{reader.topic(topic).message_count}: run ros2 bag reindex'
                )
            message = found.message
            try:
                frame = decode_compressed(message) if compressed else decode_image(message)
            except UserError as error:
                raise BagError(f'{path}: image {number} of {topic}: {error}') from error
            pixels = frame.pixels if frame.color_order == 'bgr' else frame.pixels[..., ::-1]
            yield Frame(f'{number:06d}', np.ascontiguousarray(pixels))
