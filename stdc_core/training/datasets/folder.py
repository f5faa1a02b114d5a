"""Any folder of images and id or colour PNGs, described by one YAML file (docs/datasets.md)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from reprlib import repr as shown  # of foreign data: cut where it is long
from typing import Any

from stdc_core.labels import LABEL_SETS, Color, LabelSet, LabelSetError, open_label_set
from stdc_core.training.datasets.dataset import SegmentationDataset
from stdc_core.training.datasets.label_decoder import LabelDecoder, color_decoder, id_decoder
from stdc_core.training.datasets.pairing import open_splits
from stdc_core.training.datasets.problems import DatasetError
from stdc_core.yaml_file import YamlFileError, read_yaml

REQUIRED = {'name', 'label_set', 'label_kind', 'splits'}
OF_KIND = {'ids': {'ids', 'ignore_ids'}, 'colors': {'colors', 'ignore_colors'}}
KINDS = tuple(OF_KIND)
OPTIONAL = {'root', 'sequence', 'unique_names'}


def open_folder(path: Path) -> SegmentationDataset:
    """Open what a YAML file describes.

    :raises DatasetError: names the file, the field that is wrong and what it should be, or what is
        missing from the folder.
    """
    try:
        fields = read_yaml(path)
    except YamlFileError as error:
        raise DatasetError(str(error)) from error
    try:
        return _open(fields, path.parent)
    except (DatasetError, LabelSetError) as error:
        raise DatasetError(f'{path}: {error}') from error


def _open(fields: Any, folder: Path) -> SegmentationDataset:
    kind = fields.get('label_kind') if isinstance(fields, Mapping) else None
    optional = OPTIONAL | (OF_KIND[kind] if kind in KINDS else set())
    _check_keys('the data set', fields, REQUIRED, optional)
    if kind not in KINDS:
        raise DatasetError(f"label_kind is {shown(kind)}, expected 'ids' or 'colors'")
    unique_names = fields.get('unique_names', True)
    if type(unique_names) is not bool:
        raise DatasetError(f'unique_names is {shown(unique_names)}, expected true or false')
    labels = _label_set(fields['label_set'], str(fields['name']), folder)
    return open_splits(
        folder / _text('root', fields.get('root', '.')),
        _patterns(fields['splits']),
        name=str(fields['name']),
        labels=labels,
        decoder=_ids(fields, labels) if kind == 'ids' else _colors(fields, labels),
        sequence=_sequence(fields.get('sequence')),
        unique_names=unique_names,
    )


def _label_set(value: Any, name: str, folder: Path) -> LabelSet:
    """Classes written inline, or the name of a bundled label set, or a file beside the YAML."""
    if isinstance(value, Mapping):
        return LabelSet.from_dict({'name': name, **value})
    text = _text('label_set', value)
    return open_label_set(text if text in LABEL_SETS else str(folder / text))


def _patterns(splits: Any) -> dict[str, tuple[str, str]]:
    if not isinstance(splits, Mapping) or not splits:
        raise DatasetError(f'splits is {shown(splits)}, expected e.g. train and val')
    patterns = {}
    for split, both in splits.items():
        _check_keys(f"split '{split}'", both, {'images', 'labels'})
        images, labels = (
            _text(f"{key} of split '{split}'", both[key]) for key in ('images', 'labels')
        )
        patterns[str(split)] = (images, labels)
    return patterns


def _ids(fields: Mapping[str, Any], labels: LabelSet) -> LabelDecoder:
    fix = 'map it to a class with `ids:`, or list it under `ignore_ids:`'
    ignored = _list('ignore_ids', fields.get('ignore_ids', []), _id)
    if 'ids' not in fields:
        return id_decoder(labels, None, ignored, fix=fix)
    return id_decoder(labels, _mapped('ids', fields['ids'], labels, _id), ignored, fix=fix)


def _colors(fields: Mapping[str, Any], labels: LabelSet) -> LabelDecoder:
    fix = 'map it to a class with `colors:`, or list it under `ignore_colors:`'
    ignored = _list('ignore_colors', fields.get('ignore_colors', []), _color)
    if 'colors' not in fields:
        return color_decoder(labels, None, ignored, fix=fix)
    colors = _mapped('colors', fields['colors'], labels, _color)
    return color_decoder(labels, colors, ignored, fix=fix)


def _mapped(
    key: str, value: Any, labels: LabelSet, parse: Callable[[str, Any], Any]
) -> dict[Any, int]:
    """``{class name: [values in the files]}``, turned round."""
    if not isinstance(value, Mapping):
        raise DatasetError(
            f'{key} is {shown(value)}, expected a list of values for each class name'
        )
    if unknown := value.keys() - set(labels.names):
        known = ', '.join(labels.names)
        raise DatasetError(f'{key} has unknown class {_listed(unknown)} (known: {known})')
    mapped: dict[Any, int] = {}
    for name, entries in value.items():
        for entry in _list(f'{key} of {name}', entries, parse):
            if entry in mapped:
                other = labels.names[mapped[entry]]
                raise DatasetError(f'{key} gives {entry} to {other} and to {name}')
            mapped[entry] = labels.names.index(name)
    return mapped


def _list(key: str, value: Any, parse: Callable[[str, Any], Any]) -> list[Any]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise DatasetError(f'{key} is {shown(value)}, expected a list')
    return [parse(key, entry) for entry in value]


def _id(key: str, value: Any) -> int:
    if type(value) is not int:
        raise DatasetError(f'{key} has {shown(value)}, expected whole numbers')
    return value


def _color(key: str, value: Any) -> Color:
    if not isinstance(value, Sequence) or [type(v) for v in value] != [int] * 3:
        raise DatasetError(
            f'{key} has {shown(value)}, expected lists of red, green and blue, 0..255'
        )
    return (value[0], value[1], value[2])


def _sequence(value: Any) -> Callable[[str], str]:
    """Take a pair's sequence from its name: the pattern's first group, or all it matches."""
    if value is None:
        return lambda name: ''
    try:
        pattern = re.compile(_text('sequence', value))
    except re.error as error:
        raise DatasetError(f'sequence {shown(value)} is no regular expression: {error}') from error

    def sequence(name: str) -> str:
        match = pattern.search(name)
        if match is None:
            raise DatasetError(f"sequence {shown(value)} matches nothing in the name '{name}'")
        return match[1 if pattern.groups else 0] or ''

    return sequence


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise DatasetError(f'{key} is {shown(value)}, expected text')
    return value


def _check_keys(
    what: str, fields: Any, required: Collection[str], optional: Collection[str] = ()
) -> None:
    if not isinstance(fields, Mapping):
        raise DatasetError(f'{what} is {shown(fields)}, expected fields {_listed(required)}')
    if missing := set(required) - fields.keys():
        raise DatasetError(f'{what} has no {_listed(missing)}')
    if unknown := fields.keys() - set(required) - set(optional):
        known = _listed({*required, *optional})
        raise DatasetError(f'{what} has unknown {_listed(unknown)} (known: {known})')


def _listed(names: Collection[Any]) -> str:
    return ', '.join(sorted(map(str, names)))
