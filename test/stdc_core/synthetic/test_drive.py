import numpy as np
import pytest

from stdc_core.labels import CAMVID
from stdc_core.synthetic.drive import SyntheticDrive, frame_from_anywhere
from stdc_core.synthetic.sensor import Sensor, expose


@pytest.fixture(scope='module')
def drive():
    return SyntheticDrive(3, size=(90, 120))


def test_a_frame_is_a_pure_function_of_seed_and_index(drive):
    first = drive.frame(40)
    drive.frame(7)
    again = SyntheticDrive(3, size=(90, 120)).frame(40)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.labels, again.labels)
    other = SyntheticDrive(4, size=(90, 120)).frame(40)
    assert (first.labels != other.labels).mean() > 0.05


def test_the_camera_drives_and_people_move(drive):
    first, following, later = (drive.frame(index).labels for index in (40, 41, 70))
    assert 0 < (first != following).mean() < (first != later).mean()


def test_all_eleven_classes_are_on_the_way():
    found = set()
    for seed in range(3):
        drive = SyntheticDrive(seed, size=(180, 240))
        for index in range(0, len(drive), len(drive) // 8):
            found |= set(np.unique(drive.frame(index).labels).tolist())
    assert found == set(range(len(CAMVID)))


@pytest.mark.parametrize('size', [(64, 64), (97, 203), (240, 100)])
def test_any_size(size):
    frame = frame_from_anywhere(5, 0, size)
    assert frame.image.shape == (*size, 3)
    assert frame.labels.shape == size
    assert frame.image.dtype == frame.labels.dtype == np.uint8
    assert frame.labels.max() < len(CAMVID)
    assert frame.image.std() > 10


def test_size_changes_how_much_is_seen_not_what():
    small, large = (
        SyntheticDrive(2, size=size).frame(30).labels for size in ((90, 120), (360, 480))
    )
    middle = large[1::4, 1::4]
    assert (middle == small).mean() > 0.9


def test_frames_from_anywhere_differ_and_repeat():
    frames = [frame_from_anywhere(index, 9, (64, 96)) for index in (0, 1, 0)]
    np.testing.assert_array_equal(frames[0].image, frames[2].image)
    assert (frames[0].image != frames[1].image).mean() > 0.5


def test_a_frame_outside_the_drive_is_refused(drive):
    for index in (-1, len(drive)):
        with pytest.raises(IndexError, match=f'frame {index} of a drive of {len(drive)}'):
            drive.frame(index)


def test_exposure_brightens_and_noise_has_its_strength():
    gray = np.full((60, 80, 3), 100, np.float32)
    flat = Sensor(vignette=0, noise=0, blur_px=0, contrast=0.9)
    rng = np.random.default_rng(0)
    plain = expose(gray.copy(), flat, rng)
    bright = expose(gray.copy(), Sensor(1.5, vignette=0, noise=0, blur_px=0, contrast=0.9), rng)
    noisy = expose(gray.copy(), Sensor(vignette=0, noise=8, blur_px=0, contrast=0.9), rng)
    assert abs(int(plain[30, 40, 0]) - 100) <= 1
    assert abs(int(bright[30, 40, 0]) - 150) <= 1
    assert 6 < noisy.astype(float).std() < 10
