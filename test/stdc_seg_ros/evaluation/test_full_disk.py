"""No file can grow beyond a limit, as on a full disk: nothing half stays under the final name."""

import resource
from contextlib import contextmanager

import numpy as np
import pytest

from stdc_core.evaluation.drive_counts import DriveCounts
from stdc_core.labels import CAMVID
from stdc_seg_ros.bag.bag_reader import BagReader
from stdc_seg_ros.bag.bag_writer import BagConfig, write_bag
from stdc_seg_ros.bag.errors import BagError
from stdc_seg_ros.bag.mask_files import write_mask
from stdc_seg_ros.evaluation.files import write_csv, write_json
from stdc_seg_ros.evaluation.many_bags import BagResult, write_overview
from stdc_seg_ros.evaluation.moments import Moments
from stdc_seg_ros.evaluation.report import write_report
from stdc_seg_ros.evaluation.result import DriveEvaluation, FrameRow


@contextmanager
def room_for(size):
    """Let each file have so many bytes; Python ignores the signal, so writing is an OSError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def evaluation(tmp_path):
    rows = [FrameRow(stamp, 'processed', False, latency_ms=1.0) for stamp in range(1000)]
    return DriveEvaluation(
        'offline', tmp_path, '/image', None, CAMVID, DriveCounts(11), rows, 1.0, 1.0, tmp_path,
        {}, {}, {}, [],
    )  # fmt: skip


WRITERS = {
    'report.html': lambda path, found: write_report(path, 'A', found, Moments([], [], [], [])),
    'figures.json': write_json,
    'frames.csv': write_csv,
}


@pytest.mark.parametrize('name', WRITERS)
@pytest.mark.parametrize('there', [False, True])
def test_a_report_is_whole_or_as_it_was(tmp_path, evaluation, name, there):
    folder = tmp_path / 'out'
    folder.mkdir()
    path = folder / name
    if there:
        path.write_text('as it was')
    with room_for(1000), pytest.raises(OSError, match='too large') as error:
        WRITERS[name](path, evaluation)
    assert str(path) in str(error.value)
    assert [p.read_text() for p in folder.iterdir()] == (['as it was'] if there else [])
    WRITERS[name](path, evaluation)
    assert path.stat().st_size > 1000


def test_an_overview_is_whole_or_not_there(tmp_path, evaluation):
    fields = {
        'images': 1, 'seconds': 1.0, 'masks': 1, 'mode': 'offline',
        'figures': dict.fromkeys(evaluation.figures), 'counts': evaluation.counts.to_dict(),
    }  # fmt: skip
    results = [BagResult('a', fields)]
    with room_for(500), pytest.raises(OSError, match=r'too large.*report\.html'):
        write_overview(tmp_path, results)
    assert not list(tmp_path.iterdir())


def test_a_mask_is_whole_or_not_there(tmp_path):
    noise = np.random.default_rng(0).integers(0, 11, (64, 64), dtype=np.uint8)
    with room_for(1000), pytest.raises(OSError, match=r'too large.*5\.png'):
        write_mask(tmp_path, 5, noise)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_a_bag_is_whole_or_not_there(tmp_path, frames, storage):
    with room_for(50_000), pytest.raises(OSError, match=r'too large|full|disk I/O') as error:
        write_bag(tmp_path / 'out', frames, BagConfig(storage=storage))
    assert not list(tmp_path.iterdir())
    assert str(tmp_path / 'out') in str(error.value)


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_no_room_to_salvage_is_not_taken_for_the_end(make_bag, frames, storage):
    [file] = make_bag(frames, config=BagConfig(storage=storage)).glob('bag.*')
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 9 // 10])
    with room_for(50_000), pytest.raises(BagError, match='free the disk, or set TMPDIR'):
        BagReader(file, salvage=True)
