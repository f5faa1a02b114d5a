import cv2
import numpy as np
import pytest

from stdc_core.engines import open_engine
from stdc_core.labels import CAMVID
from stdc_core.metrics import ConfusionMatrix
from stdc_seg_ros.bag.bag_reader import BagReader
from stdc_seg_ros.bag.bag_writer import (
    IMAGE_TOPIC,
    LABEL_TOPIC,
    BagConfig,
    LabeledImage,
    write_bag,
)
from stdc_seg_ros.bag.scoring import read_mask, sample_pictures, score_masks

CONFIG = BagConfig(rate_hz=10)


@pytest.fixture
def labeled_bag(tmp_path):
    """Six frames; all but the first have labels, ids beyond the classes among them."""
    rng = np.random.default_rng(1)
    frames = [
        LabeledImage(
            rng.integers(0, 256, (72, 96, 3), dtype=np.uint8),
            rng.integers(0, 14, (72, 96), dtype=np.uint8) if number else None,
        )
        for number in range(6)
    ]
    with BagReader(write_bag(tmp_path / 'bag', frames, CONFIG).path) as reader:
        yield reader, frames


@pytest.fixture
def masks(tmp_path):
    folder = tmp_path / 'masks'
    folder.mkdir()
    return folder


def put_mask(folder, index, mask):
    assert cv2.imwrite(str(folder / f'{CONFIG.stamp_ns(index)}.png'), mask)


def test_masks_are_compared_with_the_labels_of_their_stamp(labeled_bag, masks):
    reader, frames = labeled_bag
    rng = np.random.default_rng(2)
    expected = ConfusionMatrix(len(CAMVID))
    for index in (0, 1, 4):  # frame 0 has no labels, 2, 3 and 5 no mask
        mask = rng.integers(0, 11, (72, 96), dtype=np.uint8)
        mask[:5] = 255
        put_mask(masks, index, mask)
        if index:
            labels = frames[index].labels.copy()
            labels[labels >= 11] = 255
            expected.update(labels, mask)
    scores = score_masks(reader, LABEL_TOPIC, masks, CAMVID)
    assert scores.frames == 2
    np.testing.assert_array_equal(scores.regions.iou, expected.scores().iou)
    assert scores.regions.pixel_accuracy == expected.scores().pixel_accuracy


def test_without_a_common_stamp_there_is_no_score(labeled_bag, masks):
    reader, _ = labeled_bag
    put_mask(masks, 0, np.zeros((72, 96), np.uint8))
    assert score_masks(reader, LABEL_TOPIC, masks, CAMVID) is None
    assert read_mask(masks, CONFIG.stamp_ns(3)) is None


def test_sample_pictures_say_how_far_a_mask_is_the_engines(labeled_bag, masks, model_path):
    reader, frames = labeled_bag
    with open_engine(model_path, 'openvino', detail=True) as engine:
        for index in range(6):
            mask = engine.infer(frames[index].image, color_order='rgb').labels.copy()
            if index == 3:
                mask[0, 0] = (mask[0, 0] + 1) % 11
            put_mask(masks, index, mask)
        samples = sample_pictures(reader, IMAGE_TOPIC, LABEL_TOPIC, masks, engine, 4)
    stamps = [sample.stamp_ns for sample in samples]
    assert stamps == [CONFIG.stamp_ns(index) for index in (1, 2, 3, 4)]
    assert [sample.agreement == 1 for sample in samples] == [True, True, False, True]
    for index, sample in zip((1, 2, 3, 4), samples, strict=True):
        np.testing.assert_array_equal(sample.frame, frames[index].image)
        assert sample.detail.shape == sample.confidence.shape == sample.mask.shape
        assert sample.truth is not None


def test_no_masks_no_pictures(labeled_bag, masks, model_path):
    reader, _ = labeled_bag
    with open_engine(model_path, 'openvino') as engine:
        assert sample_pictures(reader, IMAGE_TOPIC, None, masks, engine, 3) == []
