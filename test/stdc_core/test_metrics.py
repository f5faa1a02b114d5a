"""Scores against slow loops that follow the definitions word by word."""

import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stdc_core.errors import UserError
from stdc_core.metrics import BoundaryScore, ConfusionMatrix

CLASSES = 3
values = st.sampled_from([0, 1, 2, 255])


@st.composite
def mask_pairs(draw, count=1):
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    masks = arrays(np.uint8, shape, elements=values)
    return [(draw(masks), draw(masks)) for _ in range(count)]


def same(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, nan_ok=True)


def mean(numbers):
    numbers = [number for number in numbers if not math.isnan(number)]
    return sum(numbers) / len(numbers) if numbers else math.nan


def mask(*rows):
    return np.array(rows, np.uint8)


# Confusion matrix


def slow_iou(pairs, class_id):
    both = either = 0
    for truth, prediction in pairs:
        for t, p in zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True):
            if t != 255:
                both += t == p == class_id
                either += class_id in (t, p)
    return both / either if either else math.nan


@settings(deadline=None)
@given(mask_pairs(count=2))
def test_scores_equal_a_loop_over_all_pixels_of_the_data_set(pairs):
    matrix = ConfusionMatrix(CLASSES)
    for truth, prediction in pairs:
        matrix.update(truth, prediction)
    scores = matrix.scores()

    ious = [slow_iou(pairs, class_id) for class_id in range(CLASSES)]
    same(scores.iou, ious)
    same([scores.miou], [mean(ious)])
    assert scores.absent == tuple(i for i in range(CLASSES) if math.isnan(ious[i]))
    counted = [
        (t, p)
        for truth, prediction in pairs
        for t, p in zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True)
        if t != 255
    ]
    assert scores.pixels == len(counted)
    accuracy = sum(t == p for t, p in counted) / len(counted) if counted else math.nan
    same([scores.pixel_accuracy], [accuracy])
    recalls = []
    for class_id in range(CLASSES):
        right = [p == class_id for t, p in counted if t == class_id]
        recalls.append(sum(right) / len(right) if right else math.nan)
    same([scores.mean_accuracy], [mean(recalls)])


def test_miou_is_of_the_data_set_and_not_a_mean_of_images():
    matrix = ConfusionMatrix(2)
    matrix.update(mask([0, 0, 0, 0]), mask([0, 0, 0, 0]))
    matrix.update(mask([0, 1]), mask([1, 1]))
    assert matrix.scores().iou == (4 / 5, 1 / 2)


def test_prediction_without_class_is_missed_and_no_false_positive():
    matrix = ConfusionMatrix(2)
    matrix.update(mask([0, 0, 1]), mask([0, 255, 1]))
    scores = matrix.scores()
    assert scores.iou == (1 / 2, 1.0)
    assert scores.pixel_accuracy == 2 / 3
    np.testing.assert_array_equal(matrix.counts, [[1, 0, 1], [0, 1, 0]])


def test_absent_class_is_left_out_and_named_but_a_false_one_counts():
    matrix = ConfusionMatrix(4)
    matrix.update(mask([0, 0]), mask([0, 3]))
    scores = matrix.scores()
    same(scores.iou, [1 / 2, math.nan, math.nan, 0.0])
    assert scores.absent == (1, 2)
    assert scores.miou == 1 / 4
    assert scores.mean_accuracy == 1 / 2


def test_nothing_counted_gives_nan_without_warning():
    scores = ConfusionMatrix(2).scores()
    assert scores.pixels == 0
    assert scores.absent == (0, 1)
    assert math.isnan(scores.miou)
    assert math.isnan(scores.pixel_accuracy)
    assert math.isnan(scores.mean_accuracy)


def test_255_classes_fit():
    everything = np.arange(255, dtype=np.uint8)[None]
    matrix = ConfusionMatrix(255)
    matrix.update(everything, everything)
    assert matrix.scores().miou == 1


@pytest.mark.parametrize('make', [ConfusionMatrix, lambda count: BoundaryScore(count, 1)])
@settings(deadline=None)
@given(pairs=mask_pairs(count=2))
def test_adding_what_two_processes_counted_equals_counting_in_one(make, pairs):
    together, *parts = (make(CLASSES) for _ in range(3))
    for part, (truth, prediction) in zip(parts, pairs, strict=True):
        part.update(truth, prediction)
        together.update(truth, prediction)
    first = copy.deepcopy(parts[0])
    total = parts[0] + pickle.loads(pickle.dumps(parts[1]))
    np.testing.assert_array_equal(total.counts, together.counts)
    np.testing.assert_array_equal(parts[0].counts, first.counts)


def test_only_alike_counts_can_be_added():
    with pytest.raises(UserError, match='of 2 and 3 classes'):
        ConfusionMatrix(2) + ConfusionMatrix(3)
    with pytest.raises(UserError, match='2 classes at 1 px and 2 classes at 3 px'):
        BoundaryScore(2, 1) + BoundaryScore(2, 3)


@pytest.mark.parametrize('make', [ConfusionMatrix, lambda count: BoundaryScore(count, 1)])
@pytest.mark.parametrize(
    ('truth', 'prediction', 'message'),
    [
        (mask([0, 7, 7]), mask([0, 0, 0]), r'truth has the value 7 \(2 pixels\), expected 0\.\.1'),
        (mask([0]), mask([2]), r'prediction has the value 2 \(1 pixels\), expected 0\.\.1 or 255'),
        (mask([255]), mask([254]), 'prediction has the value 254'),
        (mask([0]), mask([0, 1]), r'truth is 1x1 and prediction 1x2 \(height x width\)'),
        (mask([0]).astype(np.int64), mask([0]), r'truth is int64 of shape \(1, 1\)'),
        (mask([0]), mask([0])[0], r'prediction is uint8 of shape \(1,\), expected uint8'),
    ],
)
def test_bad_masks_are_refused_and_nothing_is_counted(make, truth, prediction, message):
    counter = make(2)
    with pytest.raises(UserError, match=f'^{message}'):
        counter.update(truth, prediction)
    assert not counter.counts.any()


@pytest.mark.parametrize('classes', [0, -1, 256])
def test_number_of_classes_is_checked(classes):
    with pytest.raises(UserError, match=f'num_classes is {classes}, expected 1 to 255'):
        ConfusionMatrix(classes)
    with pytest.raises(UserError, match=f'num_classes is {classes}, expected 1 to 255'):
        BoundaryScore(classes, 1)


# Boundary F-score


def slow_boundary(labels, truth, class_id):
    height, width = labels.shape
    found = []
    for y, x in np.ndindex(labels.shape):
        if labels[y, x] != class_id or truth[y, x] == 255:
            continue
        for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            inside = 0 <= v < height and 0 <= u < width
            if inside and truth[v, u] != 255 and labels[v, u] != class_id:
                found.append((y, x))
                break
    return found


def slow_matched(points, others, width):
    return sum(any(math.dist(one, other) <= width for other in others) for one in points)


@settings(deadline=None)
@given(mask_pairs(count=2), st.integers(0, 4))
def test_boundary_scores_equal_pairwise_distances(pairs, width):
    score = BoundaryScore(CLASSES, width)
    counts = np.zeros((4, CLASSES), int)
    for truth, prediction in pairs:
        score.update(truth, prediction)
        for class_id in range(CLASSES):
            true = slow_boundary(truth, truth, class_id)
            predicted = slow_boundary(prediction, truth, class_id)
            counts[:, class_id] += (
                slow_matched(predicted, true, width),
                len(predicted),
                slow_matched(true, predicted, width),
                len(true),
            )
    scores = score.scores()
    precisions, recalls, f_scores = [], [], []
    for matched_predicted, predicted, matched_true, true in counts.T.tolist():
        precisions.append(matched_predicted / predicted if predicted else math.nan)
        recalls.append(matched_true / true if true else math.nan)
        if not predicted and not true:
            f_scores.append(math.nan)
        elif not predicted or not true or matched_predicted + matched_true == 0:
            f_scores.append(0.0)
        else:
            p, r = precisions[-1], recalls[-1]
            f_scores.append(2 * p * r / (p + r))
    same(scores.precision, precisions)
    same(scores.recall, recalls)
    same(scores.f_score, f_scores)
    same([scores.mean_f_score], [mean(f_scores)])
    assert scores.absent == tuple(i for i in range(CLASSES) if math.isnan(f_scores[i]))
    assert scores.width_px == width


@pytest.mark.parametrize(('shift', 'f_score'), [(0, 1.0), (3, 1.0), (4, 0.0)])
def test_shifted_edge_matches_up_to_the_width(shift, f_score):
    truth = np.zeros((20, 40), np.uint8)
    prediction = truth.copy()
    truth[:, 15:] = 1
    prediction[:, 15 + shift :] = 1
    score = BoundaryScore(2, 3)
    score.update(truth, prediction)
    assert score.scores().f_score == (f_score, f_score)


def test_image_border_and_ignored_pixels_make_no_boundary():
    truth = np.zeros((8, 8), np.uint8)
    truth[2:5, 2:5] = 255
    score = BoundaryScore(2, 1)
    score.update(truth, np.where(truth == 255, 1, 0).astype(np.uint8))
    scores = score.scores()
    assert scores.absent == (0, 1)
    assert math.isnan(scores.mean_f_score)


def test_unlabelled_prediction_ends_a_region_but_is_none():
    truth = np.zeros((1, 6), np.uint8)
    score = BoundaryScore(1, 1)
    score.update(truth, mask([0, 0, 255, 255, 255, 0]))
    np.testing.assert_array_equal(score.counts[:, 0], [0, 2, 0, 0])
    assert score.scores().f_score == (0.0,)


def test_negative_width_is_refused():
    with pytest.raises(UserError, match='width_px is -1, expected at least 0'):
        BoundaryScore(2, -1)
