"""CamVid as its authors give it: 701 frames, labels in 32 colours.

Folders ``701_StillsRaw_full`` and ``LabeledApproved_full`` (``0001TP_006690_L.png``). Colours:
``label_colors.txt`` beside them. They become 11 classes as in SegNet (Badrinarayanan et al.,
PAMI 2017), by MathWorks' list of that grouping (``camvidPixelLabelIDs`` in the example "Semantic
Segmentation Using Deep Learning"). The splits are SegNet's 367 / 101 / 233 frames.

Not verified: that SegNet's own 11-class files were made by exactly this grouping. Some pixels of
rare classes (a bridge in 0006R0) are ignored there, so the two layouts may differ in a few pixels.
"""

from __future__ import annotations

from pathlib import Path

from stdc_core.labels import CAMVID, UNLABELED, Color
from stdc_core.training.datasets.camvid import DRIVES, SPLITS, drive_of
from stdc_core.training.datasets.dataset import DatasetSplit, ImagePair, SegmentationDataset
from stdc_core.training.datasets.label_decoder import color_decoder
from stdc_core.training.datasets.pairing import pair_files
from stdc_core.training.datasets.problems import DatasetError

IMAGES, LABELS = '701_StillsRaw_full', 'LabeledApproved_full'
FIX = 'copy the file again, or describe the folder by a YAML file (docs/datasets.md)'

# Each of the 11 classes, and what of the 32 it is made of.
GROUPS: dict[str, dict[str, Color]] = {
    'Sky': {'Sky': (128, 128, 128)},
    'Building': {
        'Bridge': (0, 128, 64),
        'Building': (128, 0, 0),
        'Wall': (64, 192, 0),
        'Tunnel': (64, 0, 64),
        'Archway': (192, 0, 128),
    },
    'Pole': {'Column_Pole': (192, 192, 128), 'TrafficCone': (0, 0, 64)},
    'Road': {
        'Road': (128, 64, 128),
        'LaneMkgsDriv': (128, 0, 192),
        'LaneMkgsNonDriv': (192, 0, 64),
    },
    'Pavement': {
        'Sidewalk': (0, 0, 192),
        'ParkingBlock': (64, 192, 128),
        'RoadShoulder': (128, 128, 192),
    },
    'Tree': {'Tree': (128, 128, 0), 'VegetationMisc': (192, 192, 0)},
    'SignSymbol': {
        'SignSymbol': (192, 128, 128),
        'Misc_Text': (128, 128, 64),
        'TrafficLight': (0, 64, 64),
    },
    'Fence': {'Fence': (64, 64, 128)},
    'Car': {
        'Car': (64, 0, 128),
        'SUVPickupTruck': (64, 128, 192),
        'Truck_Bus': (192, 128, 192),
        'Train': (192, 64, 128),
        'OtherMoving': (128, 64, 64),
    },
    'Pedestrian': {
        'Pedestrian': (64, 64, 0),
        'Child': (192, 128, 64),
        'CartLuggagePram': (64, 0, 192),
        'Animal': (64, 128, 64),
    },
    'Bicyclist': {'Bicyclist': (0, 128, 192), 'MotorcycleScooter': (192, 0, 192)},
}
VOID: Color = (0, 0, 0)


def looks_like_original_camvid(root: Path) -> bool:
    """Whether the two folders are there."""
    return (root / IMAGES).is_dir() and (root / LABELS).is_dir()


def split_of(name: str) -> str:
    """SegNet's split of a frame, which follows from its drive and frame number.

    The second half of 0001TP and all of Seq05VD are for testing; of 0016E5 the part at 15 frames a
    second, 7959 to 8159, is for validation.

    :raises DatasetError: the frame is from none of CamVid's drives.
    """
    drive = drive_of(name)
    digits = name.rpartition('_')[2].lstrip('f')
    if drive not in DRIVES or not digits.isdecimal():
        raise DatasetError(
            f"frame '{name}' is from none of CamVid's drives ({', '.join(DRIVES)}): "
            'take it out, or describe the folder by a YAML file'
        )
    frame = int(digits)
    if drive == 'Seq05VD' or (drive == '0001TP' and frame >= 8550):
        return 'test'
    return 'val' if drive == '0016E5' and 7959 <= frame <= 8159 else 'train'


def open_original_camvid(root: Path) -> SegmentationDataset:
    """Open the splits.

    :raises DatasetError: a folder is missing, or nothing belongs together.
    """
    colors = {
        color: CAMVID.names.index(name)
        for name, group in GROUPS.items()
        for color in group.values()
    }
    decoder = color_decoder(CAMVID, {**colors, VOID: UNLABELED}, fix=FIX)
    pairing = pair_files(
        root, f'{IMAGES}/*.png', f'{LABELS}/*_L.png', what='original CamVid', sequence=drive_of
    )
    parts: dict[str, list[ImagePair]] = {split: [] for split in SPLITS}
    for pair in pairing.pairs:
        parts[split_of(pair.name)].append(pair)
    splits = tuple(
        DatasetSplit(split, CAMVID, decoder, tuple(pairs))
        for split, pairs in parts.items()
        if pairs
    )
    return SegmentationDataset('CamVid', CAMVID, splits, pairing.problems)
