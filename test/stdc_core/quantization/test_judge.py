"""What is said about an int8 network, against other ways to compute it."""

import numpy as np
import onnxruntime
import pytest
import torch
from torch.nn import functional

from stdc_core.metrics import ConfusionMatrix
from stdc_core.model_file import ModelFile
from stdc_core.networks import fold_for_inference
from stdc_core.networks.model_graph import ModelGraph
from stdc_core.quantization.judge import HeldOutFrame, Judge, LiteralNetwork

SIZE = (96, 160)
RUNTIMES_DIFFER = 0.02  # fused int8 kernels round otherwise, and random weights lie near ties


def labels_by_other_means(model: ModelFile, image):
    """ONNX Runtime with all its optimisations, torch's upsampling; network's size only."""
    session = onnxruntime.InferenceSession(model.static_graph(SIZE, detail=False))
    (logits,) = session.run(['logits'], {'image': image[None]})
    full = functional.interpolate(
        torch.from_numpy(logits), size=SIZE, mode='bilinear', align_corners=True
    )
    return full.argmax(1)[0].numpy().astype(np.uint8)


def test_a_float_network_is_computed_as_torch_does(model, checkpoint, images):
    graph = ModelGraph(fold_for_inference(checkpoint.build(), detail=False)).eval()
    with torch.inference_mode():
        expected = graph(torch.from_numpy(images[0])[None])[0][0].numpy()
    assert np.abs(LiteralNetwork(model, SIZE).logits(images[0]) - expected).max() < 1e-3


def test_label_agreement_is_that_of_other_runtimes(model, int8_graph_model, images):
    held_out = images[4:]
    found = Judge(model, SIZE, [HeldOutFrame(image) for image in held_out]).judge(int8_graph_model)
    expected = np.mean(
        [
            labels_by_other_means(model, image) == labels_by_other_means(int8_graph_model, image)
            for image in held_out
        ]
    )
    assert found.label_agreement == pytest.approx(expected, abs=RUNTIMES_DIFFER)
    assert found.scores is found.float_scores is found.miou_loss is None


def test_a_network_is_its_own_equal(model, images):
    truth = np.full((50, 70), 3, np.uint8)
    frame = np.ascontiguousarray(images[0][:50, :70])  # of another size than the network's
    judgement = Judge(model, SIZE, [HeldOutFrame(frame, truth)]).judge(model)
    assert judgement.label_agreement == 1
    assert judgement.miou_loss == 0


def test_miou_is_that_of_one_confusion_matrix(model, int8_graph_model, images):
    rng = np.random.default_rng(0)
    frames = [
        HeldOutFrame(image, rng.choice([0, 3, 10, 255], SIZE).astype(np.uint8))
        for image in images[4:]
    ]
    judgement = Judge(model, SIZE, frames).judge(int8_graph_model)
    for network, scores in ((model, judgement.float_scores), (int8_graph_model, judgement.scores)):
        confusion = ConfusionMatrix(11)
        for frame in frames:
            confusion.update(frame.labels, LiteralNetwork(network, SIZE).labels(frame.image))
        expected = confusion.scores()
        np.testing.assert_array_equal(scores.iou, expected.iou)  # NaN equals NaN here
        assert scores.miou == expected.miou
    loss = judgement.float_scores.miou - judgement.scores.miou
    assert judgement.miou_loss == loss


def test_progress_says_what_is_done(model, images):
    told = []
    judge = Judge(model, SIZE, [HeldOutFrame(images[0])], lambda *step: told.append(step))
    judge.judge(model)
    assert told == [('float network', 1, 1), ('int8 network', 1, 1)]
