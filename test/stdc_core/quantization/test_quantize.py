"""The int8 model file: what is in it, and that engines run it."""

from dataclasses import replace

import numpy as np
import onnx
import onnx.helper
import pytest

import stdc_core.quantization.quantize
from stdc_core.engines import EngineError, SelfCheckError, open_engine
from stdc_core.errors import InvalidArgumentError
from stdc_core.geometry import Size
from stdc_core.model_file import add_metadata, read_model_file
from stdc_core.quantization.budget import Budget, QuantizationError
from stdc_core.quantization.judge import HeldOutFrame, LiteralNetwork
from stdc_core.quantization.quantize import CalibrationSet, quantize_model

SIZE = Size(96, 160)
NO_LIMIT = Budget(0.0, 1.0)  # random weights lie too close to ties


@pytest.fixture(scope='module', autouse=True)
def _calibrated_before(quantized):
    """Skip nncf: hand out what it made of the same model. The command's test goes all the way."""

    def copy(proto, images, on_image):
        graph = onnx.ModelProto()
        graph.CopyFrom(quantized)
        return graph

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stdc_core.quantization.quantize, 'quantize_graph', copy)
        yield


@pytest.fixture(scope='module')
def calibration(images):
    truth = np.full(SIZE, 3, np.uint8)
    truth[:40] = 255
    held_out = [HeldOutFrame(image, truth) for image in images[4:]]
    return CalibrationSet(images[:4], held_out, {'source': 'rendered street', 'seed': 3}, 'val')


@pytest.fixture(scope='module')
def float_model(model, tmp_path_factory):
    """With metrics of its own."""
    metadata = replace(model.metadata, metrics={'val_miou': 0.7}, source_sha256='ab' * 32)
    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    add_metadata(proto, metadata)
    path = tmp_path_factory.mktemp('float') / 'float.onnx'
    onnx.save_model(proto, path)
    return read_model_file(path)


@pytest.fixture(scope='module')
def made(float_model, calibration, tmp_path_factory):
    path = tmp_path_factory.mktemp('int8') / 'int8.onnx'
    report = quantize_model(float_model, path, calibration, size=SIZE, budget=NO_LIMIT)
    assert [part.name for part in path.parent.iterdir()] == ['int8.onnx']
    return report, read_model_file(path)


def test_the_file_says_what_was_done_and_what_it_cost(made, float_model, calibration):
    report, model = made
    facts = model.metadata.quantization
    assert model.metadata.int8
    assert not float_model.metadata.int8
    assert facts['precision'] == 'int8'
    assert facts['size'] == [96, 160]
    assert (facts['source'], facts['seed']) == ('rendered street', 3)
    assert (facts['calibration_frames'], facts['held_out_frames']) == (4, 2)
    assert facts['left_in_float'] == list(report.left_in_float)
    assert report.left_in_float == (
        'ffm.gate.0',
        'ffm.gate.2',
        'head.classify',
        'detail_head.classify',
    )
    assert facts['int8_layers'] == report.quantized_layers == 39
    assert facts['label_agreement'] == report.judgement.label_agreement
    assert facts['miou'] == report.judgement.scores.miou
    assert facts['float_miou'] == report.judgement.float_scores.miou
    assert facts['float_model_sha256'] == float_model.sha256
    assert facts['float_metrics'] == {'val_miou': 0.7}
    assert model.metadata.versions['nncf']


def test_its_metrics_are_its_own(made):
    report, model = made
    scores = report.judgement.scores
    assert model.metadata.metrics['val_miou'] == scores.miou
    assert model.metadata.metrics['val_pixel_accuracy'] == scores.pixel_accuracy
    assert model.metadata.metrics['val_iou']['Sky'] is None or isinstance(
        model.metadata.metrics['val_iou']['Sky'], float
    )


def test_the_rest_is_the_float_files(made, float_model):
    _, model = made
    for name in ('labels', 'architecture', 'resize', 'align_corners', 'recipe', 'source_sha256'):
        assert getattr(model.metadata, name) == getattr(float_model.metadata, name)
    assert model.has_detail
    assert model.path.stat().st_size < 0.32 * float_model.path.stat().st_size
    assert model.count_weights() == float_model.count_weights()


def test_the_self_check_is_the_int8_networks_own_answer(made, float_model):
    report, model = made
    check = model.metadata.self_check
    np.testing.assert_array_equal(check.frame, float_model.metadata.self_check.frame)
    np.testing.assert_array_equal(check.labels, LiteralNetwork(model, SIZE).labels(check.frame))
    for backend in ('openvino', 'onnxruntime'):
        with open_engine(model, backend) as engine:
            assert engine.info.agreement == report.engine_agreement[backend]
            assert engine.info.agreement > 0.95  # random weights
            assert engine.info.int8
            assert engine.info.arithmetic == 'int8 and fp32'
            assert 'int8 and fp32' in str(engine.info)


@pytest.mark.parametrize('size', [SIZE, Size(72, 136)])
def test_openvino_and_onnxruntime_compute_what_the_graph_says(made, images, size):
    _, model = made
    image = np.ascontiguousarray(images[5][: size.height, : size.width])
    literal = LiteralNetwork(model, size).logits(image)
    for backend in ('openvino', 'onnxruntime'):
        with open_engine(model, backend, size=size, detail=True) as engine:
            output = engine.run_network(image)
            error = np.sqrt(np.mean(np.square(output.logits - literal)))
            assert error < 0.05 * literal.std()
            assert output.detail.shape == output.logits.shape[1:]


def test_the_torch_engine_refuses_it_and_says_what_to_do(made):
    _, model = made
    with pytest.raises(EngineError, match='is int8 and the torch engine runs float models only'):
        open_engine(model, 'torch')


def test_an_int8_file_of_wrong_labels_is_refused(made):
    _, model = made
    check = model.metadata.self_check
    wrong = replace(check, labels=255 - check.labels)
    metadata = replace(model.metadata, self_check=wrong, recipe={'iterations': 1})
    with pytest.raises(SelfCheckError, match=r'expected at least 99\.00%'):
        open_engine(replace(model, metadata=metadata), 'openvino')


def test_another_size_becomes_the_files_own(float_model, calibration, tmp_path):
    path = tmp_path / 'int8.onnx'
    quantize_model(float_model, path, calibration, size=Size(64, 96), budget=NO_LIMIT)
    metadata = read_model_file(path).metadata
    assert metadata.default_size == (64, 96)
    assert metadata.self_check.frame.shape == (64, 96, 3)


def test_without_labels_there_are_no_metrics(float_model, images, tmp_path):
    path = tmp_path / 'int8.onnx'
    calibration = CalibrationSet(images[:4], [HeldOutFrame(images[4])])
    report = quantize_model(float_model, path, calibration, size=SIZE, budget=NO_LIMIT)
    metadata = read_model_file(path).metadata
    assert report.judgement.scores is None
    assert metadata.metrics == {}
    assert metadata.quantization['miou'] is None


def test_what_an_engine_computes_otherwise_is_not_written(
    float_model, calibration, tmp_path, monkeypatch
):
    def wrong(model, backend):
        raise SelfCheckError(f'{backend} is wrong')

    monkeypatch.setattr(stdc_core.quantization.quantize, 'open_engine', wrong)
    with pytest.raises(QuantizationError, match=r'int8\.onnx was not written: onnxruntime is wro'):
        quantize_model(
            float_model, tmp_path / 'int8.onnx', calibration, size=SIZE, budget=NO_LIMIT
        )
    assert not list(tmp_path.iterdir())


def test_a_budget_that_cannot_hold_leaves_no_file(float_model, calibration, tmp_path, monkeypatch):
    monkeypatch.setattr('stdc_core.quantization.budget._rank', lambda *arguments: [])
    with pytest.raises(QuantizationError, match='int8 costs too much: with 4 layers'):
        quantize_model(
            float_model, tmp_path / 'int8.onnx', calibration, size=SIZE, budget=Budget(1.0)
        )
    assert not list(tmp_path.iterdir())


def test_int8_is_not_quantized_again(made, calibration, tmp_path):
    _, model = made
    with pytest.raises(QuantizationError, match='is int8 already: name the float model file'):
        quantize_model(model, tmp_path / 'twice.onnx', calibration, size=SIZE)


def test_frames_are_needed(float_model, calibration, tmp_path):
    path = tmp_path / 'int8.onnx'
    for part, what in (('images', 'calibrate on'), ('held_out', 'judge by')):
        with pytest.raises(InvalidArgumentError, match=f'there is no frame to {what}'):
            quantize_model(float_model, path, replace(calibration, **{part: []}), size=SIZE)
    with pytest.raises(InvalidArgumentError, match='network size is 32x64'):
        quantize_model(float_model, path, calibration, size=Size(32, 64))
