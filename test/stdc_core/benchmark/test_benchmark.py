import numpy as np
import pytest

from stdc_core.benchmark.authors_way import AuthorsWay
from stdc_core.benchmark.interleave import Timing, interleave
from stdc_core.benchmark.report import Group
from stdc_core.geometry import FrameGeometry, Size
from stdc_core.networks import STDCSegConfig
from stdc_core.upsample import upsample_labels


def test_cases_run_in_turns_and_the_first_round_does_not_count():
    calls = []
    timings = interleave({'a': lambda: calls.append('a'), 'b': lambda: calls.append('b')}, 3)
    assert calls == ['a', 'b'] * 4
    assert {name: len(timing.samples_ms) for name, timing in timings.items()} == {'a': 3, 'b': 3}


def test_median_and_minimum():
    timing = Timing((5.0, 1.0, 3.0, 9.0))
    assert timing.median_ms == 4
    assert timing.min_ms == 1


def test_ratios_are_against_the_first_case():
    group = Group('g', '', {'slow': Timing((30.0,)), 'fast': Timing((10.0, 20.0, 10.0))})
    assert group.times_faster('slow') == (1, 1)
    assert group.times_faster('fast') == (3, 3)


@pytest.fixture(scope='module')
def authors():
    return AuthorsWay(STDCSegConfig('stdc1', 11), Size(64, 96), threads=2)


def test_authors_way_ends_at_labels_of_the_frames_size(authors):
    frame = np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)
    labels = authors.whole_frame(frame)
    assert labels.shape == (70, 90)
    assert labels.max() < 11
    assert authors.network().shape == (1, 11, 8, 12)


def test_authors_tail_computes_what_ours_computes(authors):
    logits = np.random.default_rng(0).normal(size=(11, 8, 12)).astype(np.float32)
    sampling = FrameGeometry(Size(64, 96), Size(64, 96), 'stretch').sampling(Size(8, 12), True)
    ours = upsample_labels(logits, sampling)
    assert np.mean(ours != authors.tail(logits, Size(64, 96))) <= 1e-3
