"""Bags whose recorder or copy was cut off, made readable in a temporary folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from stdc_core.yaml_file import YamlFileError, read_yaml
from stdc_seg_ros.bag import truncated_mcap, truncated_sqlite
from stdc_seg_ros.bag.errors import BagError

METADATA = 'metadata.yaml'


class _Storage(NamedTuple):
    """What a damaged file is known by, and how what is whole in it is copied."""

    is_whole: Callable[[Path], bool]
    copy_whole: Callable[[Path, Path], None]


STORAGES: Mapping[str, _Storage] = {
    '.mcap': _Storage(truncated_mcap.is_whole, truncated_mcap.copy_whole_records),
    '.db3': _Storage(truncated_sqlite.is_whole, truncated_sqlite.copy_whole_rows),
}


def is_bag(path: Path) -> bool:
    """Whether it is a bag, or one whose recorder was killed before it wrote metadata.yaml.

    The files of that one are told from single bags in a folder by the names rosbag2 gives them.
    """
    if not path.is_dir():
        return path.suffix in STORAGES
    stems = [file.stem for file in bag_files(path)]
    named = path.name in (*stems, *(stem.rpartition('_')[0] for stem in stems))
    return named or (path / METADATA).exists()


def bag_files(path: Path) -> list[Path]:
    """Files of a bag in the order of recording: drive_2.mcap before drive_10.mcap."""
    files = [path] if path.is_file() else path.iterdir()
    return sorted((f for f in files if f.suffix in STORAGES), key=lambda f: (len(f.name), f.name))


def mend(path: Path, stack: ExitStack) -> list[Path]:
    """Make a copy of a damaged bag that can be read.

    :param path: folder of the bag, or a file of it.
    :param stack: the copy goes when this is closed.
    :return: what to read, one after the other: the bag, or the files of it that can be read where
        metadata.yaml is missing, wrong, or names one that cannot. Nothing where nothing can.
    :raises BagError: the copy cannot be written.
    """
    files = bag_files(path)
    usable = path.is_file() or _has_all_files(path)
    whole = {file for file in files if STORAGES[file.suffix].is_whole(file)}
    if usable and len(whole) == len(files):
        return []
    folder = Path(stack.enter_context(TemporaryDirectory(prefix='stdc_seg_bag_')))
    mended = []
    for file in files:
        copy = folder / file.name
        if file in whole:
            copy.symlink_to(file.resolve())
        elif not _copy_whole(file, copy):
            continue
        mended.append(copy)
    if path.is_dir() and usable and len(mended) == len(files):
        shutil.copy(path / METADATA, folder)
        return [folder]
    return mended


def _copy_whole(file: Path, copy: Path) -> bool:
    """Copy what is whole in a file; False where nothing is."""
    try:
        STORAGES[file.suffix].copy_whole(file, copy)
    except ValueError:
        return False
    except OSError as error:
        raise BagError(
            f'{file} is damaged, and what is whole in it cannot be copied to {copy.parent} '
            f'({error}): free the disk, or set TMPDIR to another place'
        ) from error
    return True


def _has_all_files(folder: Path) -> bool:
    """Whether metadata.yaml can be read, and the files are there that it names."""
    try:
        fields = read_yaml(folder / METADATA)
        names = fields['rosbag2_bagfile_information']['relative_file_paths']
        return all((folder / Path(name).name).exists() for name in names)
    except (YamlFileError, TypeError, KeyError):
        return False
