"""An evaluation is the same whatever computes, and knows its worst images."""

import numpy as np
import pytest
import torch

from stdc_core.engines import open_engine
from stdc_core.export import export_model
from stdc_core.geometry import Size
from stdc_core.metrics import ConfusionMatrix
from stdc_core.networks import STDCSegConfig
from stdc_core.training.evaluation import Evaluation, NetworkSegmenter, evaluate


def test_evaluation_equals_the_exported_engines(streets, make_checkpoint, tmp_path):
    """The same weights give the same mIoU in torch and as a model file."""
    split = streets.split('val')
    checkpoint = make_checkpoint(STDCSegConfig('stdc1', 5), split.labels)
    path = tmp_path / 'model.onnx'
    export_model(checkpoint, path, size=Size(96, 128))
    segmenter = NetworkSegmenter(checkpoint.build(), None, torch.device('cpu'))
    expected = evaluate(segmenter, split)
    with open_engine(path, 'onnxruntime') as engine:
        found = evaluate(lambda image: engine.infer(image, color_order='rgb').labels, split)
    assert found.images == 5
    assert abs(found.confusion.counts - expected.confusion.counts).sum() <= 20
    assert found.scores.miou == pytest.approx(expected.scores.miou, abs=1e-3)


def test_the_worst_images_come_first_and_those_without_labels_not_at_all():
    counts = ConfusionMatrix(2)
    mious = (0.5, float('nan'), 0.1, 0.9, 0.1)
    evaluation = Evaluation(counts.scores(), (), counts, mious)
    assert evaluation.worst(3) == [2, 4, 0]
    assert evaluation.worst(9) == [2, 4, 0, 3]
    assert evaluation.images == 5


def test_each_image_has_its_own_miou(streets):
    split = streets.split('val')

    def segmenter(image):
        return np.full(image.shape[:2], image[0, 0, 0] % 2, np.uint8)

    found = evaluate(segmenter, split)
    for index, miou in enumerate(found.image_mious):
        sample = split.load(index)
        alone = ConfusionMatrix(len(split.labels))
        alone.update(sample.labels, segmenter(sample.image))
        assert miou == pytest.approx(alone.scores().miou)
