import pickle

import numpy as np
import pytest

from stdc_core.labels import CAMVID, CITYSCAPES, CITYSCAPES_TRAIN_IDS, LabelSet, map_label_ids
from stdc_core.training.datasets.label_decoder import color_decoder, id_decoder
from stdc_core.training.datasets.problems import DatasetError

YARD = LabelSet('yard', ('grass', 'path'), ((0, 200, 0), (9, 8, 7)))


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'a.png'


def test_ids_are_kept_and_the_data_sets_ignore_id_and_255_become_255(path, write_png):
    decoded = id_decoder(CAMVID, fix='').decode(write_png(path, [[0, 10, 11, 255]]))
    assert decoded.labels.dtype == np.uint8
    assert decoded.labels.tolist() == [[0, 10, 255, 255]]
    assert decoded.problems == ()


def test_unknown_ids_are_named_with_pixels_range_and_fix(path, write_png):
    decoder = id_decoder(CITYSCAPES, fix='use labelTrainIds')
    decoded = decoder.decode(write_png(path, [[0, 34, 34, 19]]))
    assert decoded.labels.tolist() == [[0, 255, 255, 255]]
    assert [str(problem) for problem in decoded.problems] == [
        f'{path}: label 34 (2 pixels), expected 0..18 or 255: use labelTrainIds',
        f'{path}: label 19 (1 pixel), expected 0..18 or 255: use labelTrainIds',
    ]


def test_many_unknown_values_are_summed_up(path, write_png):
    ids = np.arange(19, 39).reshape(4, 5)
    problems = id_decoder(CITYSCAPES, fix='').decode(write_png(path, ids)).problems
    assert [problem.found for problem in problems] == [
        *(f'label {value}' for value in range(19, 24)),
        '15 more values',
    ]
    assert sum(problem.pixels for problem in problems) == 20


def test_mapped_ids_equal_map_label_ids(path, write_png):
    ids = np.arange(34).reshape(2, 17)
    decoder = id_decoder(CITYSCAPES, dict(enumerate(CITYSCAPES_TRAIN_IDS)), fix='')
    decoded = decoder.decode(write_png(path, ids))
    np.testing.assert_array_equal(decoded.labels, map_label_ids(ids, CITYSCAPES_TRAIN_IDS))
    assert decoded.problems == ()


def test_a_map_may_give_255_a_class(path, write_png):
    decoder = id_decoder(YARD, {0: 0, 255: 1}, fix='')
    assert decoder.decode(write_png(path, [[0, 255]])).labels.tolist() == [[0, 1]]


def test_ids_of_16_bits_are_mapped_and_ignored(path, write_png):
    decoder = id_decoder(YARD, {1000: 1}, [40000], fix='')
    decoded = decoder.decode(write_png(path, [[1000, 40000, 0]], bits=16))
    assert decoded.labels.tolist() == [[1, 255, 255]]
    assert decoded.problems[0].found == 'label 0'
    assert decoded.problems[0].expected == '255, 1000 or 40000'


def test_colours_become_ids_and_unknown_ones_are_named(path, write_png):
    decoder = color_decoder(YARD, None, [(0, 0, 0)], fix='map it')
    colors = [[(0, 200, 0), (9, 8, 7), (0, 0, 0), (7, 8, 9)]]
    decoded = decoder.decode(write_png(path, colors, color_type=2))
    assert decoded.labels.tolist() == [[0, 1, 255, 255]]
    assert [str(problem) for problem in decoded.problems] == [
        f'{path}: colour (7, 8, 9) (1 pixel), expected one of 3 colours: map it'
    ]


def test_several_colours_may_be_one_class(path, write_png):
    decoder = color_decoder(YARD, {(255, 0, 0): 0, (0, 0, 255): 0, (1, 1, 1): 255}, fix='')
    colors = [[(255, 0, 0), (0, 0, 255), (1, 1, 1)]]
    decoded = decoder.decode(write_png(path, colors, color_type=2))
    assert decoded.labels.tolist() == [[0, 0, 255]]


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda: id_decoder(YARD, {70000: 0}, fix=''), r'id 70000 is outside 0\.\.65535'),
        (lambda: id_decoder(YARD, None, [-1], fix=''), 'id -1 is outside'),
        (lambda: id_decoder(YARD, None, [1], fix=''), 'id 1 is a class and ignored too'),
        (lambda: color_decoder(YARD, {(0, 0, 256): 0}, fix=''), r'colour \[0, 0, 256\] is none'),
        (
            lambda: color_decoder(YARD, None, [(9, 8, 7)], fix=''),
            r'colour \(9, 8, 7\) is a class and ignored too',
        ),
        (
            lambda: color_decoder(LabelSet('x', ('a', 'b'), ((1, 2, 3), (1, 2, 3))), fix=''),
            r'a and b have the colour \(1, 2, 3\)',
        ),
    ],
)
def test_contradictions_are_refused(make, message):
    with pytest.raises(DatasetError, match=message):
        make()


def test_a_used_decoder_travels_light_to_loader_processes(path, write_png):
    decoder = color_decoder(YARD, fix='')
    write_png(path, [[(9, 8, 7)]], color_type=2)
    decoder.decode(path)
    message = pickle.dumps(decoder)
    assert len(message) < 1000
    assert pickle.loads(message).decode(path).labels.tolist() == [[1]]
