"""The TensorRT engine on the fake driver: opened and closed, its memory, what it refuses."""

import dataclasses

import fake_tensorrt
import numpy as np
import pytest
from fake_gpu import LIBRARIES, noise

from stdc_core.cuda import device as device_module
from stdc_core.engines import EngineError, EngineUnavailableError, SelfCheckError, open_engine
from stdc_core.engines.base import MAX_FRAME_SIZES
from stdc_core.geometry import Size
from stdc_core.self_check import SelfCheck


def test_results_outlive_the_engine(model):
    with open_engine(model, 'tensorrt', detail=True) as engine:
        result = engine.infer(noise(90, 170), confidence=True)
        copies = [result.labels.copy(), result.confidence.copy(), result.detail.copy()]
    with pytest.raises(EngineError, match='this tensorrt engine is closed'):
        engine.infer(noise(90, 170))
    del engine
    for array, copy in zip((result.labels, result.confidence, result.detail), copies, strict=True):
        np.testing.assert_array_equal(array, copy)
        array[:] = 0


def test_sizes_in_a_flood_take_no_more_memory(engine, driver):
    def flood() -> int:
        for width in range(20, 20 + 2 * MAX_FRAME_SIZES):
            engine.infer(noise(30, width))
        return driver.count('memory_used')

    assert flood() == flood()


def test_opened_and_closed_50_times_nothing_is_left(model, driver, monkeypatch):
    monkeypatch.setattr(fake_tensorrt.Context, 'compute', False)
    before = driver.counts()
    for _ in range(50):
        with open_engine(model, 'tensorrt', size=None) as engine:
            engine.infer(noise(32, 32))
        assert driver.counts() == before
    assert fake_tensorrt.Engine.alive == 0
    assert fake_tensorrt.Context.alive == 0


@pytest.mark.slow
def test_ten_thousand_frames_take_no_more_memory(model, driver, monkeypatch):
    frame = noise(32, 48)
    with open_engine(model, 'tensorrt') as engine:
        monkeypatch.setattr(fake_tensorrt.Context, 'compute', False)
        engine.infer(frame)
        counts, used = driver.counts(), driver.count('memory_used')
        for _ in range(10_000):
            engine.infer(frame)
        assert driver.counts() == counts
        assert driver.count('memory_used') == used


def test_out_of_memory_at_the_start_is_one_line_and_auto_goes_on(model, driver):
    driver.set('memory_limit', 100_000)
    with pytest.raises(EngineUnavailableError, match=r'tensorrt cannot run .*OUT_OF_MEMORY'):
        open_engine(model, 'tensorrt')
    with open_engine(model) as engine:
        assert engine.info.backend == 'openvino'
        assert 'tensorrt cannot run' in engine.info.reason


def test_out_of_memory_at_a_large_frame_leaves_the_small_ones(engine, driver, reference):
    small = noise(90, 170)
    engine.infer(small)
    driver.set('memory_limit', driver.count('memory_used') + 1_000_000)
    with pytest.raises(EngineError, match='the GPU failed: '):
        engine.infer(noise(1000, 2000))
    np.testing.assert_array_equal(engine.infer(small).labels, reference.infer(small).labels)


def test_a_driver_that_does_not_start_is_said_and_auto_goes_on(model, driver):
    driver.set('init_result', 803)
    with pytest.raises(EngineUnavailableError, match='driver does not start'):
        open_engine(model, 'tensorrt')
    driver.set('init_result', 0)
    driver.set('device_count', 0)
    with pytest.raises(EngineUnavailableError, match='0 GPUs'):
        open_engine(model, 'tensorrt')
    with open_engine(model) as engine:
        assert engine.info.backend == 'openvino'
        assert '0 GPUs' in engine.info.reason


def test_auto_takes_the_gpu(model):
    with open_engine(model) as engine:
        info = engine.info
    assert (info.backend, info.device, info.tail) == ('tensorrt', 'Fake GPU', 'cuda')
    assert info.precision == 'fp16'
    assert info.version.startswith('10.3.0 (')


def test_a_plan_that_tensorrt_does_not_take(model, monkeypatch):
    monkeypatch.setattr(fake_tensorrt, 'plan_graph', lambda *arguments: b'broken')
    with pytest.raises(EngineUnavailableError, match='does not load the plan: Magic tag does not'):
        open_engine(model, 'tensorrt')


def test_a_plan_of_other_tensors_is_refused(model, monkeypatch):
    other = fake_tensorrt.plan_graph(model, Size(64, 64), False)
    monkeypatch.setattr(fake_tensorrt, 'plan_graph', lambda *arguments: other)
    with pytest.raises(EngineUnavailableError, match=r'the plan has the tensors .* expected .*96'):
        open_engine(model, 'tensorrt')
    assert fake_tensorrt.Engine.alive == 0


def test_another_size_is_proven_against_the_cpu(model, reference):
    with open_engine(model, 'tensorrt', size=(64, 128), threads=1) as engine:
        assert engine.info.agreement > 0.999
        assert engine.infer(noise(64, 128)).labels.shape == (64, 128)
        wrong = np.full_like(model.metadata.self_check.labels, 200)
        assert engine._agreement_elsewhere(wrong) == 0


def test_wrong_labels_are_refused_and_nothing_is_left(model):
    check = SelfCheck(model.metadata.self_check.frame, 255 - model.metadata.self_check.labels)
    metadata = dataclasses.replace(model.metadata, self_check=check, recipe={'iterations': 1})
    with pytest.raises(SelfCheckError, match='tensorrt at fp16 is wrong'):
        open_engine(dataclasses.replace(model, metadata=metadata))


def test_bf16_has_no_plan(model):
    with pytest.raises(EngineUnavailableError, match='asked for bf16'):
        open_engine(model, 'tensorrt', precision='bf16')


def test_pycuda_or_else_cuda_bindings():
    found = device_module.open_device()
    found.close()
    assert found.library.split()[0] == LIBRARIES[-1]
