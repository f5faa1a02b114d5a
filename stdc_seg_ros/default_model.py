"""Where the model file is that comes with the package."""

import sys
from pathlib import Path

from stdc_core.model_file import ModelFileError

PACKAGE = 'stdc_seg_ros'
INT8_MODEL = 'stdc1_camvid_int8.onnx'  # for processors
FLOAT_MODEL = 'stdc1_camvid.onnx'


def find_default_model(*, int8: bool = True) -> Path:
    """Find the model file the package brings along.

    :param int8: the faster one, which the torch engine and other precisions cannot take.
    :return: in ``models/`` of the source tree, else of the package's share folder.
    :raises ModelFileError: there is none.
    """
    name = INT8_MODEL if int8 else FLOAT_MODEL
    folders = [folder / 'models' for folder in (Path(__file__).parents[1], *_share_folders())]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    places = ', '.join(map(str, folders))
    raise ModelFileError(
        f'this installation brings no model file ({name} is in none of: {places}): set '
        "the parameter 'model' to the path of one, made by 'stdc_seg export'"
    )


def _share_folders() -> list[Path]:
    """Where colcon or pip put the package's data."""
    folders = [Path(sys.prefix) / 'share' / PACKAGE]
    try:
        from ament_index_python.packages import get_package_share_directory

        folders.insert(0, Path(get_package_share_directory(PACKAGE)))
    except (ImportError, LookupError, OSError):  # no ROS, none sourced, installed without ament
        pass
    return folders
