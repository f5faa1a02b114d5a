import numpy as np
import pytest

from stdc_core.labels import CAMVID
from stdc_core.training.datasets import DatasetError, open_dataset
from stdc_core.training.datasets.camvid_original import GROUPS, VOID, split_of

# label_colors.txt of CamVid, in its order, beside the class SegNet's grouping gives it.
LABEL_COLORS = """
64 128 64 Animal Pedestrian
192 0 128 Archway Building
0 128 192 Bicyclist Bicyclist
0 128 64 Bridge Building
128 0 0 Building Building
64 0 128 Car Car
64 0 192 CartLuggagePram Pedestrian
192 128 64 Child Pedestrian
192 192 128 Column_Pole Pole
64 64 128 Fence Fence
128 0 192 LaneMkgsDriv Road
192 0 64 LaneMkgsNonDriv Road
128 128 64 Misc_Text SignSymbol
192 0 192 MotorcycleScooter Bicyclist
128 64 64 OtherMoving Car
64 192 128 ParkingBlock Pavement
64 64 0 Pedestrian Pedestrian
128 64 128 Road Road
128 128 192 RoadShoulder Pavement
0 0 192 Sidewalk Pavement
192 128 128 SignSymbol SignSymbol
128 128 128 Sky Sky
64 128 192 SUVPickupTruck Car
0 0 64 TrafficCone Pole
0 64 64 TrafficLight SignSymbol
192 64 128 Train Car
128 128 0 Tree Tree
192 128 192 Truck_Bus Car
64 0 64 Tunnel Building
192 192 0 VegetationMisc Tree
0 0 0 Void -
64 192 0 Wall Building
"""
ROWS = [line.split() for line in LABEL_COLORS.split('\n') if line]
COLORS = [tuple(map(int, row[:3])) for row in ROWS]


@pytest.fixture
def root(tmp_path, write_pair):
    for name in ('0001TP_006690', '0001TP_008550', '0016E5_07959', 'Seq05VD_f00000'):
        image = tmp_path / f'701_StillsRaw_full/{name}.png'
        label = tmp_path / f'LabeledApproved_full/{name}_L.png'
        write_pair(image, label, np.array(COLORS).reshape(4, 8, 3))
    return tmp_path


def test_32_colours_become_11_classes(root):
    dataset = open_dataset(root)
    assert dataset.labels == CAMVID
    labels = dataset.split('train').load(0).labels.ravel().tolist()
    expected = [255 if group == '-' else CAMVID.names.index(group) for *_, group in ROWS]
    assert labels == expected


def test_groups_hold_every_colour_once_under_its_own_name():
    found = {name: color for group in GROUPS.values() for name, color in group.items()}
    rows = {row[3]: color for row, color in zip(ROWS, COLORS, strict=True) if row[3] != 'Void'}
    assert found == rows
    assert len(set(COLORS)) == 32
    assert VOID == (0, 0, 0)
    assert tuple(GROUPS) == CAMVID.names


def test_splits_follow_from_the_frames(root):
    dataset = open_dataset(root)
    names = {split.name: [pair.name for pair in split.pairs] for split in dataset.splits}
    assert names == {
        'train': ['0001TP_006690'],
        'val': ['0016E5_07959'],
        'test': ['0001TP_008550', 'Seq05VD_f00000'],
    }


def test_real_frames_fall_into_their_splits(real_camvid):
    for split in open_dataset(real_camvid).splits:
        assert {split_of(pair.name) for pair in split.pairs} == {split.name}


def test_unknown_colour_names_colour_count_and_file(root, write_png):
    path = root / 'LabeledApproved_full/0001TP_006690_L.png'
    write_png(path, [[(1, 2, 3), (1, 2, 3), (0, 0, 0)]], color_type=2)
    with pytest.raises(
        DatasetError, match=r'0001TP_006690_L\.png: colour \(1, 2, 3\) \(2 pixels\)'
    ):
        open_dataset(root).split('train').load(0)


@pytest.mark.parametrize('name', ['drive_000', '0001TP', '0001TP_x'])
def test_frame_of_another_drive_is_refused(name):
    with pytest.raises(DatasetError, match=f"frame '{name}' is from none of CamVid's drives"):
        split_of(name)
