"""What holds for every engine that is installed."""

import importlib.util
import os
import threading

import numpy as np
import pytest
import torch

from stdc_core.engines import EngineError, open_engine
from stdc_core.geometry import FrameGeometry, Size
from stdc_core.networks import fold_for_inference
from stdc_core.networks.model_graph import ModelGraph
from stdc_core.upsample import upsample_labels

MAX_LOGIT_DIFFERENCE = 1e-3  # absolute, fp32, any engine against torch

BACKENDS = ['openvino', 'onnxruntime', 'torch']


@pytest.fixture(scope='module', params=BACKENDS)
def backend(request):
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f'{request.param} is not installed')
    return request.param


@pytest.fixture(scope='module')
def engine(backend, model):
    with open_engine(model, backend, threads=2) as engine:
        yield engine


@pytest.fixture(scope='module')
def detail_engine(backend, model):
    with open_engine(model, backend, threads=2, detail=True) as engine:
        yield engine


def torch_output(checkpoint, image):
    graph = ModelGraph(fold_for_inference(checkpoint.build(), detail=True)).eval()
    with torch.inference_mode():
        logits, detail = graph(torch.from_numpy(image)[None])
    return logits[0].contiguous().numpy(), detail[0, 0].contiguous().numpy()


def test_logits_are_torchs(engine, detail_engine, checkpoint):
    image = np.random.default_rng(0).integers(0, 256, (96, 160, 3), dtype=np.uint8)
    logits, detail = torch_output(checkpoint, image)
    assert np.abs(logits).max() > 0.1  # the bound means something
    output = engine.run_network(image)
    assert np.abs(output.logits - logits).max() <= MAX_LOGIT_DIFFERENCE
    assert output.detail is None
    output = detail_engine.run_network(image)
    assert np.abs(output.logits - logits).max() <= MAX_LOGIT_DIFFERENCE
    assert np.abs(output.detail - detail).max() <= MAX_LOGIT_DIFFERENCE


@pytest.mark.parametrize('color_order', ['bgr', 'rgb'])
def test_a_frame_goes_the_defined_way(detail_engine, checkpoint, frame, color_order):
    """Resize, network, exact tail, each done here by other means than the engine's."""
    result = detail_engine.infer(frame, color_order=color_order, confidence=True)
    geometry = FrameGeometry(Size(90, 170), Size(96, 160), 'stretch')
    image = np.empty((96, 160, 3), np.uint8)
    geometry.resize(frame, image, color_order)
    logits, detail = torch_output(checkpoint, image)
    sampling = geometry.sampling(Size(12, 20), True)

    full = torch.from_numpy(logits)[None].double()
    assert result.labels.shape == result.confidence.shape == result.detail.shape == (90, 170)
    assert result.labels.dtype == result.confidence.dtype == result.detail.dtype == np.uint8
    # Random weights lie close to ties: only where the choice is clear is it the same.
    top = full.topk(2, dim=1).values[0]
    clear = (top[0] - top[1]).min() > 2 * MAX_LOGIT_DIFFERENCE
    agreement = np.mean(result.labels == upsample_labels(logits, sampling))
    assert agreement == 1 if clear else agreement > 0.99
    rows, columns = sampling.rows.lower, sampling.columns.lower
    corner = full.softmax(dim=1).amax(dim=1)[0].numpy()
    assert result.confidence[0, 0] == pytest.approx(255 * corner[rows[0], columns[0]], abs=1)
    corner = torch.from_numpy(detail).sigmoid().numpy()
    assert result.detail[0, 0] == pytest.approx(255 * corner[rows[0], columns[0]], abs=1)


def test_only_what_was_asked_for_is_there(engine, detail_engine, frame):
    result = engine.infer(frame)
    assert result.confidence is None
    assert result.detail is None
    assert engine.infer(frame, confidence=True).confidence is not None
    assert detail_engine.infer(frame).detail is not None


def test_frames_of_any_size_in_turn(engine):
    rng = np.random.default_rng(0)
    for shape in [(96, 160), (1, 1), (300, 40), (96, 160), (720, 1280)]:
        frame = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
        assert engine.infer(frame).labels.shape == shape


def test_frames_in_turn_are_those_one_by_one(engine, frame):
    frames = [frame, 255 - frame, frame[:50]]
    expected = [engine.infer(each, color_order='rgb').labels.copy() for each in frames]
    results = engine.infer_each(iter(frames), color_order='rgb', confidence=True)
    for result, labels in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result.labels, labels)
        assert result.confidence is not None


def test_the_same_frame_gives_the_same_labels(engine, frame):
    first = engine.infer(frame).labels.copy()
    other = engine.infer(255 - frame).labels.copy()
    assert (first != other).any()
    np.testing.assert_array_equal(engine.infer(frame).labels, first)


def test_frame_is_neither_written_nor_kept(engine, frame):
    kept = frame.copy()
    labels = engine.infer(frame).labels.copy()
    np.testing.assert_array_equal(frame, kept)
    frame[:] = 0
    np.testing.assert_array_equal(engine.infer(kept).labels, labels)


def test_frames_of_any_strides(engine, frame):
    wide = np.empty((180, 340, 3), np.uint8)
    view = wide[::2, ::2]
    view[:] = frame
    expected = engine.infer(frame).labels.copy()
    np.testing.assert_array_equal(engine.infer(view).labels, expected)
    read_only = frame.copy()
    read_only.flags.writeable = False
    np.testing.assert_array_equal(engine.infer(read_only).labels, expected)


def test_result_belongs_to_the_engine_until_its_next_call(engine, frame):
    first = engine.infer(frame)
    copy = first.labels.copy()
    second = engine.infer(255 - frame)
    assert second.labels is first.labels
    assert (first.labels != copy).any()


def test_stage_times_cover_the_call(engine, frame):
    stages = engine.infer(frame).stage_ms
    assert min(stages.resize, stages.network, stages.tail) > 0
    assert stages.total == pytest.approx(stages.resize + stages.network + stages.tail)


@pytest.mark.parametrize(
    ('bad', 'error', 'message'),
    [
        (np.zeros((8, 8, 3), np.float32), TypeError, 'frame is float32, expected a uint8 array'),
        (np.zeros((8, 8, 3), np.uint16), TypeError, 'frame is uint16'),
        ([[1, 2, 3]], TypeError, 'frame is list'),
        (None, TypeError, 'frame is NoneType'),
        (
            np.zeros((8, 8), np.uint8),
            ValueError,
            r'frame has shape \(8, 8\), expected \(H, W, 3\)',
        ),
        (np.zeros((8, 8, 4), np.uint8), ValueError, r'shape \(8, 8, 4\)'),
        (np.zeros((1, 8, 8, 3), np.uint8), ValueError, r'shape \(1, 8, 8, 3\)'),
        (np.zeros((0, 8, 3), np.uint8), ValueError, 'at least one pixel'),
    ],
)
def test_wrong_frames_are_refused_by_what_came(engine, frame, bad, error, message):
    with pytest.raises(error, match=message):
        engine.infer(bad)
    engine.infer(frame)  # still works


def test_network_alone_takes_its_own_size_only(engine, frame):
    with pytest.raises(ValueError, match='image is 90x170, this engine runs at 96x160'):
        engine.run_network(frame)


def test_info_reports_what_runs(engine, backend):
    info = engine.info
    assert (info.backend, info.precision, info.size) == (backend, 'fp32', (96, 160))
    assert info.threads == 2
    assert info.agreement > 0.999
    assert info.reason == 'asked for'
    assert backend in str(info)
    assert 'fp32' in str(info)


@pytest.mark.parametrize('size', [Size(64, 64), Size(97, 203)])
def test_other_sizes_than_the_default(backend, model, checkpoint, size):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    with open_engine(model, backend, size=size, detail=True) as engine:
        assert engine.info.size == size
        output = engine.run_network(image)
        logits, detail = torch_output(checkpoint, image)
        assert np.abs(output.logits - logits).max() <= MAX_LOGIT_DIFFERENCE
        assert np.abs(output.detail - detail).max() <= MAX_LOGIT_DIFFERENCE


def test_closed_engines_say_so(backend, model, frame):
    with open_engine(model, backend) as engine:
        engine.infer(frame)
    with pytest.raises(EngineError, match=f'this {backend} engine is closed'):
        engine.infer(frame)
    with pytest.raises(EngineError, match='closed'):
        engine.run_network(np.zeros((96, 160, 3), np.uint8))
    engine.close()  # a second time does nothing


def test_result_outlives_the_engine(backend, model, frame):
    with open_engine(model, backend) as engine:
        labels = engine.infer(frame).labels
        expected = labels.copy()
    del engine
    np.testing.assert_array_equal(labels, expected)


def test_opening_and_closing_leaks_no_threads(backend, model):
    def open_close():
        with open_engine(model, backend, size=Size(64, 64)):
            pass

    open_close()
    before = len(os.listdir('/proc/self/task'))
    for _ in range(3):
        open_close()
    assert len(os.listdir('/proc/self/task')) <= before + 2


def test_runs_in_another_thread_than_it_was_opened_in(engine, frame):
    expected = engine.infer(frame).labels.copy()
    found = []
    thread = threading.Thread(target=lambda: found.append(engine.infer(frame).labels.copy()))
    thread.start()
    thread.join()
    np.testing.assert_array_equal(found[0], expected)


@pytest.mark.parametrize('which', ['logits', 'detail'])
@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_values_without_an_order_make_no_labels(detail_engine, frame, monkeypatch, which, value):
    real = detail_engine._run

    def run(image):
        output = real(image)
        values = getattr(output, which).copy()
        values.flat[3] = value
        return output._replace(**{which: values})

    monkeypatch.setattr(detail_engine, '_run', run)
    with pytest.raises(EngineError, match=r'computed 1 of .* values as NaN or infinite'):
        detail_engine.infer(frame)
    monkeypatch.undo()
    detail_engine.infer(frame)
