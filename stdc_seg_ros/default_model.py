"""Where the model file is that comes with the package."""

import sys
from pathlib import Path

from stdc_core.model_file import ModelFileError

PACKAGE = 'stdc_seg_ros'
DEFAULT_MODEL = 'stdc1_camvid.onnx'


def find_default_model() -> Path:
    """Find the model file the package brings along.

    :return: in ``models/`` of the source tree, else of the package's share folder.
    :raises ModelFileError: there is none.
    """
    folders = [folder / 'models' for folder in (Path(__file__).parents[1], *_share_folders())]
    for folder in folders:
        if (folder / DEFAULT_MODEL).is_file():
            return folder / DEFAULT_MODEL
    places = ', '.join(map(str, folders))
    raise ModelFileError(
        f'this installation brings no model file ({DEFAULT_MODEL} is in none of: {places}): set '
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
