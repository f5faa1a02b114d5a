"""Label sets: what the class ids of a mask mean and how they are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from reprlib import repr as shown  # of foreign data: cut where it is long
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from stdc_core.errors import UserError
from stdc_core.yaml_file import YamlFileError, read_yaml

ColorOrder = Literal['rgb', 'bgr']
Color = tuple[int, int, int]  # RGB

UNLABELED = 255  # in every mask this package writes, whatever a data set's own ignore id is


class LabelSetError(UserError, ValueError):
    """A label set that is none; the message names what is wrong in it."""


@dataclass(frozen=True)
class LabelSet:
    """Names and colours of the classes; a class's id is its place in ``names``.

    :param name: what the set is called, e.g. ``camvid11``.
    :param names: one name a class, at most 255 of them, no two alike.
    :param colors: RGB, 0..255, one a class.
    :param ignore_id: id in the data set's label files for pixels that do not count, outside the
        class ids.
    """

    name: str
    names: tuple[str, ...]
    colors: tuple[Color, ...]
    ignore_id: int = UNLABELED

    def __post_init__(self) -> None:
        count = len(self.names)
        if not 1 <= count <= 255:
            raise LabelSetError(f"label set '{self.name}' has {count} classes, expected 1 to 255")
        if unprintable := [name for name in (self.name, *self.names) if not name.isprintable()]:
            raise LabelSetError(f'name {shown(unprintable[0])} has characters that do not print')
        if len(set(self.names)) != count:
            twice = sorted({name for name in self.names if self.names.count(name) > 1})
            raise LabelSetError(f"label set '{self.name}' names {', '.join(twice)} more than once")
        if len(self.colors) != count:
            raise LabelSetError(
                f"label set '{self.name}' has {count} names and {len(self.colors)} colours"
            )
        for name, color in zip(self.names, self.colors, strict=True):
            if len(color) != 3 or not all(0 <= value <= 255 for value in color):
                raise LabelSetError(
                    f"colour of '{name}' is {list(color)}, expected three values of 0..255 (RGB)"
                )
        if not count <= self.ignore_id <= 255:
            raise LabelSetError(
                f"ignore_id of label set '{self.name}' is {self.ignore_id}, expected "
                f'{count}..255 (0..{count - 1} are classes)'
            )

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> LabelSet:
        """Build a label set from plain data, the reverse of :meth:`to_dict`.

        :param fields: ``name``, ``classes`` (each with ``name`` and ``color``), and ``ignore_id``
            where it is not 255.
        :raises LabelSetError: names the field that is missing, unknown or wrong.
        """
        _check_keys('a label set', fields, required={'name', 'classes'}, optional={'ignore_id'})
        classes = fields['classes']
        if not isinstance(classes, Sequence) or isinstance(classes, str):
            raise LabelSetError(f"'classes' is {type(classes).__name__}, expected a list")
        for number, entry in enumerate(classes):
            _check_keys(f'class {number}', entry, required={'name', 'color'})
            color = entry['color']
            if not isinstance(color, Sequence) or not all(type(v) is int for v in color):
                raise LabelSetError(
                    f'colour of class {number} is {shown(color)}, expected three values of 0..255 '
                    '(RGB)'
                )
        ignore_id = fields.get('ignore_id', UNLABELED)
        if type(ignore_id) is not int:
            raise LabelSetError(f'ignore_id is {shown(ignore_id)}, expected a whole number')
        return cls(
            name=str(fields['name']),
            names=tuple(str(entry['name']) for entry in classes),
            colors=tuple(tuple(entry['color']) for entry in classes),
            ignore_id=ignore_id,
        )

    @classmethod
    def from_yaml(cls, path: str | Path) -> LabelSet:
        """Read a label set from a YAML file (see ``docs/labels.md``).

        :raises LabelSetError: names the file and what is wrong in it.
        """
        try:
            fields = read_yaml(path)
        except YamlFileError as error:
            raise LabelSetError(str(error)) from error
        try:
            return cls.from_dict(fields)
        except LabelSetError as error:
            raise LabelSetError(f'{path}: {error}') from error

    def to_dict(self) -> dict[str, Any]:
        """Plain data for YAML and JSON, the reverse of :meth:`from_dict`."""
        return {
            'name': self.name,
            'ignore_id': self.ignore_id,
            'classes': [
                {'name': name, 'color': list(color)}
                for name, color in zip(self.names, self.colors, strict=True)
            ],
        }

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def _color_table(self) -> dict[ColorOrder, NDArray[np.uint8]]:
        """Per colour order a (256, 1, 3) table; ids that are no class are black."""
        table = np.zeros((256, 1, 3), np.uint8)
        table[: len(self), 0] = self.colors
        return {'rgb': table, 'bgr': np.ascontiguousarray(table[..., ::-1])}

    def colorize(
        self, labels: NDArray[np.uint8], color_order: ColorOrder = 'rgb'
    ) -> NDArray[np.uint8]:
        """Draw a mask in the colours of its classes; what is no class is black.

        :param labels: uint8, class ids, shape (H, W).
        :return: uint8, shape (H, W, 3), in ``color_order``.
        """
        return cv2.applyColorMap(labels, self._color_table[color_order])  # type: ignore[return-value]

    def overlay(
        self,
        image: NDArray[np.uint8],
        labels: NDArray[np.uint8],
        opacity: float = 0.5,
        color_order: ColorOrder = 'rgb',
    ) -> NDArray[np.uint8]:
        """Blend the coloured mask over the image it was made from.

        :param image: uint8, shape (H, W, 3), in ``color_order``.
        :param labels: uint8, class ids, shape (H, W).
        :param opacity: of the mask, 0..1.
        :return: uint8, shape (H, W, 3), in ``color_order``.
        """
        if image.shape[:2] != labels.shape:
            raise ValueError(
                f'image is {image.shape[1]}x{image.shape[0]} and its mask '
                f'{labels.shape[1]}x{labels.shape[0]}, expected one size'
            )
        colors = self.colorize(labels, color_order)
        return cv2.addWeighted(image, 1 - opacity, colors, opacity, 0)  # type: ignore[return-value]


def _check_keys(
    what: str, fields: Any, required: Set[str], optional: Set[str] = frozenset()
) -> None:
    if not isinstance(fields, Mapping):
        raise LabelSetError(
            f'{what} is {shown(fields)}, expected a mapping with {_listed(required)}'
        )
    if missing := required - fields.keys():
        raise LabelSetError(f'{what} has no {_listed(missing)}')
    if unknown := fields.keys() - required - optional:
        known = _listed(required | optional)
        raise LabelSetError(f'{what} has unknown {_listed(unknown)} (known: {known})')


def _listed(names: Set[Any]) -> str:
    return ', '.join(sorted(map(str, names)))


def map_label_ids(labels: NDArray[np.integer], mapping: Sequence[int]) -> NDArray[np.uint8]:
    """Replace every label id by ``mapping[id]``; ids outside the mapping become 255.

    :param labels: integers, any shape; negative ids (Cityscapes' -1) are outside the mapping.
    :param mapping: the new id of each old one, 0..255.
    """
    table = np.full(len(mapping) + 1, UNLABELED, np.uint8)
    table[:-1] = mapping
    inside = (labels >= 0) & (labels < len(mapping))
    return table[np.where(inside, labels, len(mapping))]


CAMVID = LabelSet.from_dict(
    {
        'name': 'camvid11',
        'ignore_id': 11,
        'classes': [
            {'name': 'Sky', 'color': [128, 128, 128]},
            {'name': 'Building', 'color': [128, 0, 0]},
            {'name': 'Pole', 'color': [192, 192, 128]},
            {'name': 'Road', 'color': [128, 64, 128]},
            {'name': 'Pavement', 'color': [60, 40, 222]},
            {'name': 'Tree', 'color': [128, 128, 0]},
            {'name': 'SignSymbol', 'color': [192, 128, 128]},
            {'name': 'Fence', 'color': [64, 64, 128]},
            {'name': 'Car', 'color': [64, 0, 128]},
            {'name': 'Pedestrian', 'color': [64, 64, 0]},
            {'name': 'Bicyclist', 'color': [0, 128, 192]},
        ],
    }
)

CITYSCAPES = LabelSet.from_dict(
    {
        'name': 'cityscapes19',
        'classes': [
            {'name': 'road', 'color': [128, 64, 128]},
            {'name': 'sidewalk', 'color': [244, 35, 232]},
            {'name': 'building', 'color': [70, 70, 70]},
            {'name': 'wall', 'color': [102, 102, 156]},
            {'name': 'fence', 'color': [190, 153, 153]},
            {'name': 'pole', 'color': [153, 153, 153]},
            {'name': 'traffic light', 'color': [250, 170, 30]},
            {'name': 'traffic sign', 'color': [220, 220, 0]},
            {'name': 'vegetation', 'color': [107, 142, 35]},
            {'name': 'terrain', 'color': [152, 251, 152]},
            {'name': 'sky', 'color': [70, 130, 180]},
            {'name': 'person', 'color': [220, 20, 60]},
            {'name': 'rider', 'color': [255, 0, 0]},
            {'name': 'car', 'color': [0, 0, 142]},
            {'name': 'truck', 'color': [0, 0, 70]},
            {'name': 'bus', 'color': [0, 60, 100]},
            {'name': 'train', 'color': [0, 80, 100]},
            {'name': 'motorcycle', 'color': [0, 0, 230]},
            {'name': 'bicycle', 'color': [119, 11, 32]},
        ],
    }
)

# The train id of each of Cityscapes' 34 label ids (0..33); -1, licence plate, is none of them.
# fmt: off
CITYSCAPES_TRAIN_IDS = (
    255, 255, 255, 255, 255, 255, 255,  # unlabeled, ego vehicle, .. ground
    0, 1, 255, 255, 2, 3, 4,  # road, sidewalk, parking, rail track, building, wall, fence
    255, 255, 255, 5, 255, 6, 7,  # guard rail, bridge, tunnel, pole, pole group, light, sign
    8, 9, 10, 11, 12, 13, 14, 15,  # vegetation, terrain, sky, person, rider, car, truck, bus
    255, 255, 16, 17, 18,  # caravan, trailer, train, motorcycle, bicycle
)
# fmt: on

LABEL_SETS = {'camvid': CAMVID, 'cityscapes': CITYSCAPES}


def open_label_set(name_or_path: str) -> LabelSet:
    """Find a label set by the name of a bundled one, or read it from a YAML file.

    :raises LabelSetError: it is neither.
    """
    if name_or_path in LABEL_SETS:
        return LABEL_SETS[name_or_path]
    if not Path(name_or_path).is_file():
        raise LabelSetError(
            f"no label set '{name_or_path}': expected {', '.join(LABEL_SETS)} or a YAML file"
        )
    return LabelSet.from_yaml(name_or_path)
