"""The model files that come along keep what their card says."""

import re
from pathlib import Path

import numpy as np
import pytest

from stdc_core.engines import open_engine
from stdc_core.geometry import Size
from stdc_core.labels import CAMVID
from stdc_core.metrics import ConfusionMatrix
from stdc_core.model_file import read_model_file
from stdc_core.synthetic.drive import FRAMES_A_STREET, frame_from_anywhere
from stdc_core.training.datasets import open_dataset

MODELS = Path(__file__).parents[2] / 'models'
RENDERED_SEED = 77_000_077  # of no street it was trained on
RENDERED_FRAMES = 16


VARIANTS = ('stdc1', 'stdc2')  # in the order of the card's columns


@pytest.fixture(scope='module', params=['stdc1', pytest.param('stdc2', marks=pytest.mark.slow)])
def variant(request):
    return request.param


@pytest.fixture(scope='module')
def shipped(variant):
    return read_model_file(MODELS / f'{variant}_camvid.onnx')


def figure(variant, words):
    """Find a model's figure in the card's first table: percent behind some words."""
    card = (MODELS / 'README.md').read_text(encoding='utf-8')
    row = re.search(rf'^\| {re.escape(words)} \|(.+)\|$', card, re.MULTILINE).group(1)
    return float(row.split('|')[VARIANTS.index(variant)])


def test_it_is_what_a_robot_needs(shipped, variant):
    metadata = shipped.metadata
    assert metadata.architecture['variant'] == variant
    assert metadata.labels == CAMVID
    assert metadata.trained
    assert shipped.has_detail
    assert metadata.default_size == Size(544, 720)


def test_its_metadata_say_how_good_it_is(shipped, variant):
    miou = shipped.metadata.metrics['val_miou']
    assert figure(variant, 'CamVid val, 101 frames') == pytest.approx(100 * miou, abs=0.06)


def test_every_engine_proves_itself_on_it(shipped):
    for backend in ('openvino', 'onnxruntime'):
        with open_engine(shipped, backend) as engine:
            assert engine.info.agreement > 0.999


def test_the_int8_file_is_the_same_network():
    shipped = read_model_file(MODELS / 'stdc1_camvid.onnx')
    int8 = read_model_file(MODELS / 'stdc1_camvid_int8.onnx')
    assert int8.metadata.quantization['float_model_sha256'] == shipped.sha256
    frame = frame_from_anywhere(0, RENDERED_SEED, (360, 480)).image
    with open_engine(shipped) as exact, open_engine(int8) as quantized:
        expected = exact.infer(frame, color_order='rgb').labels.copy()
        found = quantized.infer(frame, color_order='rgb').labels
    assert (found == expected).mean() > 0.98


def test_it_segments_rendered_streets_that_it_never_saw(shipped, variant):
    confusion = ConfusionMatrix(len(CAMVID))
    with open_engine(shipped) as engine:
        for number in range(RENDERED_FRAMES):
            frame = frame_from_anywhere(number * FRAMES_A_STREET, RENDERED_SEED, (360, 480))
            confusion.update(frame.labels, engine.infer(frame.image, color_order='rgb').labels)
    miou = 100 * confusion.scores().miou
    assert miou == pytest.approx(figure(variant, 'rendered, 120 streets'), abs=8)  # few frames


def test_it_reaches_its_figure_on_real_frames(shipped, real_camvid):
    split = open_dataset(real_camvid).split('val')
    confusion = ConfusionMatrix(len(CAMVID))
    with open_engine(shipped) as engine:
        for index in range(len(split)):
            sample = split.load(index)
            confusion.update(sample.labels, engine.infer(sample.image, color_order='rgb').labels)
    found = confusion.scores()
    assert found.miou == pytest.approx(shipped.metadata.metrics['val_miou'], abs=1e-3)
    recorded = shipped.metadata.metrics['val_iou']
    for name, iou in zip(CAMVID.names, found.iou, strict=True):
        assert np.isclose(iou, recorded[name], atol=3e-3), name
