"""Choosing a backend and a precision, and refusing an engine that is wrong."""

import dataclasses
import importlib
import logging

import cv2
import numpy as np
import pytest

from stdc_core import upsample
from stdc_core.engines import EngineError, EngineUnavailableError, SelfCheckError, open_engine
from stdc_core.model_file import ModelFileError
from stdc_core.self_check import SelfCheck

TRAINED = {'recipe': {'iterations': 1}}


@pytest.fixture
def missing(monkeypatch):
    """Backends whose import fails as if they were not installed."""
    names = set()
    real = importlib.import_module

    def import_module(name):
        backend = name.rsplit('.', 1)[-1]
        if backend in names:
            raise EngineUnavailableError(f'the {backend} engine needs: pip install {backend}')
        return real(name)

    monkeypatch.setattr(importlib, 'import_module', import_module)
    return names


def with_expected_labels(model, labels, **facts):
    check = SelfCheck(model.metadata.self_check.frame, labels)
    metadata = dataclasses.replace(model.metadata, self_check=check, **facts)
    return dataclasses.replace(model, metadata=metadata)


def test_auto_takes_the_fastest_and_says_why(model, caplog):
    with caplog.at_level(logging.INFO), open_engine(model) as engine:
        assert engine.info.backend == 'openvino'
        assert engine.info.reason.startswith('chosen by auto: ')
    assert any('engine ready: openvino' in message for message in caplog.messages)


def test_auto_falls_back_and_says_why(model, missing):
    missing.add('openvino')
    with open_engine(model) as engine:
        assert engine.info.backend == 'onnxruntime'
        assert 'pip install openvino' in engine.info.reason


def test_auto_passes_over_a_backend_that_cannot_open_the_model(model, monkeypatch):
    from stdc_core.engines.openvino import OpenVINOEngine

    def fail(self):
        raise RuntimeError('no such instruction\nat line 3')

    monkeypatch.setattr(OpenVINOEngine, '_open', fail)
    with open_engine(model) as engine:
        assert engine.info.backend == 'onnxruntime'
        assert 'RuntimeError: no such instruction' in engine.info.reason
    with pytest.raises(EngineUnavailableError, match='openvino cannot run') as error:
        open_engine(model, 'openvino')
    assert '\n' not in str(error.value)


def test_auto_never_passes_over_wrong_labels(model):
    labels = 255 - model.metadata.self_check.labels
    with pytest.raises(SelfCheckError, match='openvino at fp32 is wrong'):
        open_engine(with_expected_labels(model, labels, **TRAINED))


def test_no_engine_at_all_names_what_to_install(model, missing):
    missing.update(('tensorrt', 'openvino', 'onnxruntime'))
    with pytest.raises(EngineUnavailableError, match=r'openvino.*pip install onnxruntime'):
        open_engine(model)


def test_a_precision_that_no_engine_has_is_refused_with_the_reason_of_each(model, monkeypatch):
    from stdc_core.engines import openvino, tensorrt

    def no_plan():
        raise EngineUnavailableError("no plan: build it with 'stdc_seg build-engine'")

    monkeypatch.setattr(tensorrt, 'find_gpu', no_plan)
    monkeypatch.setitem(openvino.CAPABILITIES, 'fp16', 'of another processor')
    with pytest.raises(EngineUnavailableError, match='no engine runs here: no plan') as error:
        open_engine(model, precision='fp16')
    assert "build it with 'stdc_seg build-engine'; this processor has no fp16 in" in str(
        error.value
    )
    assert 'onnxruntime engine computes in fp32 on the CPU, asked for fp16' in str(error.value)


def test_a_backend_asked_for_has_no_fallback(model, missing):
    missing.add('openvino')
    with pytest.raises(EngineUnavailableError, match='pip install openvino'):
        open_engine(model, 'openvino')


def test_paths_and_their_faults(model_path, tmp_path):
    with open_engine(str(model_path)) as engine:
        assert engine.model.path == model_path
    with pytest.raises(ModelFileError, match=r'gone\.onnx'):
        open_engine(tmp_path / 'gone.onnx')


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (
            {'backend': 'tensorflow'},
            r"unknown backend 'tensorflow' \(known: auto, tensorrt, openvino",
        ),
        ({'precision': 'int4'}, r"unknown precision 'int4' \(known: auto, fp32, bf16, fp16\)"),
        ({'threads': 0}, 'threads is 0, expected at least 1'),
        ({'size': (32, 64)}, 'network size is 32x64, expected height and width of 64 to 16384'),
        ({'size': (-64, 64)}, 'network size is -64x64'),
        ({'size': (64,)}, 'network size is 64,'),
        ({'size': (64, 20000)}, 'network size is 64x20000'),
    ],
)
def test_arguments_out_of_range_are_refused(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        open_engine(model, **arguments)


def test_onnxruntime_refuses_what_it_would_compute_in_fp32(model):
    with pytest.raises(EngineError, match='computes in fp32 on the CPU, asked for bf16'):
        open_engine(model, 'onnxruntime', precision='bf16')


def test_torch_refuses_half(model):
    with pytest.raises(EngineError, match='fp32 or bf16 on the CPU, asked for fp16'):
        open_engine(model, 'torch', precision='fp16')


@pytest.mark.parametrize('precision', ['bf16', 'fp16'])
def test_openvino_has_the_precision_or_refuses_it(model, precision):
    """Never another one in silence; which of the two depends on the processor."""
    try:
        engine = open_engine(model, 'openvino', precision=precision)
    except EngineError as error:
        assert f'no {precision} in OpenVINO (it has fp32' in str(error)  # noqa: PT017
    else:
        with engine:
            assert engine.info.precision == precision


@pytest.mark.parametrize('backend', ['openvino', 'torch'])
def test_bf16_is_refused_where_the_processor_has_none(model, backend, monkeypatch):
    from stdc_core.engines import openvino

    monkeypatch.setitem(openvino.CAPABILITIES, 'bf16', 'of another processor')
    monkeypatch.setattr('torch.cpu.get_capabilities', dict)
    with pytest.raises(EngineError, match='this processor has no bf16'):
        open_engine(model, backend, precision='bf16')


def test_openvino_computes_in_fp32_by_default(model):
    """Its own default is bf16 where the processor has it."""
    with open_engine(model, 'openvino') as engine:
        compiled = engine._request.get_compiled_model()
        hint = compiled.get_property('INFERENCE_PRECISION_HINT')
    assert hint.get_type_name() == 'f32'


def test_wrong_labels_on_the_self_check_are_refused(model):
    labels = model.metadata.self_check.labels.copy()
    labels[:2] += 1  # 2 of 96 rows
    with pytest.raises(SelfCheckError, match=r'agree on 97\.9\d%, expected at least 99\.90%'):
        open_engine(with_expected_labels(model, labels, **TRAINED), 'onnxruntime')


def test_the_self_check_holds_at_other_sizes(model):
    labels = 255 - model.metadata.self_check.labels
    with pytest.raises(SelfCheckError, match=r'agree on 0\.00%'):
        open_engine(with_expected_labels(model, labels, **TRAINED), 'onnxruntime', size=(64, 64))


@pytest.mark.parametrize('precision', ['fp32', 'bf16'])
def test_random_weights_are_no_gate_and_trained_ones_are(model, precision, monkeypatch):
    monkeypatch.setattr('torch.cpu.get_capabilities', lambda: {'bf16': True})  # or emulate it
    labels = 255 - model.metadata.self_check.labels
    with open_engine(with_expected_labels(model, labels), 'torch', precision=precision) as engine:
        assert engine.info.agreement == 0
    trained = with_expected_labels(model, labels, **TRAINED)
    with pytest.raises(SelfCheckError, match=f'torch at {precision} is wrong'):
        open_engine(trained, 'torch', precision=precision)


def test_a_refused_engine_is_closed(model, monkeypatch):
    from stdc_core.engines.onnxruntime import ONNXRuntimeEngine

    closed = []
    monkeypatch.setattr(ONNXRuntimeEngine, '_close', lambda self: closed.append(self))
    labels = 255 - model.metadata.self_check.labels
    with pytest.raises(SelfCheckError):
        open_engine(with_expected_labels(model, labels, **TRAINED), 'onnxruntime')
    assert len(closed) == 1


def test_missing_numba_is_said_aloud(model, monkeypatch, caplog):
    monkeypatch.setattr(upsample, 'TAIL', 'numpy')
    with open_engine(model, 'onnxruntime') as engine:
        assert engine.info.tail == 'numpy'
    assert any('numba is missing' in message for message in caplog.messages)


def test_opencv_leaves_the_threads_to_the_engine(model):
    cv2.setNumThreads(4)
    with open_engine(model, 'onnxruntime'):
        assert cv2.getNumThreads() == 1


def test_the_tail_is_compiled_before_the_first_frame(model):
    from stdc_core import upsample_numba

    frame = np.zeros((50, 70, 3), np.uint8)
    with open_engine(model, 'onnxruntime', detail=True) as engine:
        before = [
            len(function.signatures)
            for function in (upsample_numba.labels_by_cell, upsample_numba.map_by_cell)
        ]
        engine.infer(frame, confidence=True)
        after = [
            len(function.signatures)
            for function in (upsample_numba.labels_by_cell, upsample_numba.map_by_cell)
        ]
    assert before == after
