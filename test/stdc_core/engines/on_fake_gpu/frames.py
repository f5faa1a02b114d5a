"""What the TensorRT engine makes of frames on the fake driver, against an engine on the CPU."""

import dataclasses
import logging
import threading

import numpy as np
import pytest
from fake_gpu import noise

from stdc_core.engines import open_engine


def test_a_frame_is_segmented_as_on_the_cpu_to_the_bit(model, reference):
    with open_engine(model, 'tensorrt', detail=True) as engine:
        assert engine.info.agreement == 1
        for shape in [(96, 160), (90, 170), (1, 1), (301, 41), (270, 480)]:
            for color_order in ('bgr', 'rgb'):
                frame = noise(*shape)
                expected = reference.infer(frame, color_order=color_order, confidence=True)
                for _ in range(3):  # step by step, then as a graph
                    found = engine.infer(frame, color_order=color_order, confidence=True)
                    np.testing.assert_array_equal(found.labels, expected.labels)
                    for name in ('confidence', 'detail'):
                        difference = getattr(found, name).astype(int) - getattr(expected, name)
                        assert np.abs(difference).max() <= 1
                assert engine.infer(frame, color_order=color_order).confidence is None


def test_letterbox_as_on_the_cpu(model):
    metadata = dataclasses.replace(model.metadata, resize='letterbox', align_corners=False)
    model = dataclasses.replace(model, metadata=metadata)
    frame = noise(100, 333)
    with open_engine(model, 'onnxruntime') as reference, open_engine(model, 'tensorrt') as engine:
        expected = reference.infer(frame).labels
        np.testing.assert_array_equal(engine.infer(frame).labels, expected)
        assert len(np.unique(expected)) > 1


def test_frames_of_any_strides(engine, reference):
    wide = noise(180, 340)
    for view in (wide[::2, ::2], wide[:, :100], wide[::-1], wide[..., ::-1]):
        np.testing.assert_array_equal(engine.infer(view).labels, reference.infer(view).labels)


def test_the_network_alone(model, reference):
    image = noise(96, 160)
    with open_engine(model, 'tensorrt', detail=True) as engine:
        found, expected = engine.run_network(image), reference.run_network(image)
        np.testing.assert_array_equal(found.logits, expected.logits)
        np.testing.assert_array_equal(found.detail, expected.detail)


def test_after_the_first_frame_one_launch_does_it_all(engine, driver):
    frame = noise(90, 170)
    engine.infer(frame)
    kernels, graphs = driver.count('launches'), driver.count('graph_launches')
    for _ in range(5):
        engine.infer(frame)
    assert driver.count('launches') == kernels
    assert driver.count('graph_launches') == graphs + 5


@pytest.mark.parametrize('refused', [1, 2], ids=['at its begin', 'within'])
def test_where_a_graph_cannot_be_recorded_it_goes_step_by_step_and_says_so(
    model, driver, reference, caplog, refused
):
    driver.set('capture_refused', refused)
    frame = noise(90, 170)
    with caplog.at_level(logging.WARNING), open_engine(model, 'tensorrt') as engine:
        for _ in range(3):
            labels = engine.infer(frame).labels
        np.testing.assert_array_equal(labels, reference.infer(frame).labels)
    said = [message for message in caplog.messages if 'no CUDA graph' in message]
    assert len(said) == 1
    assert 'CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED' in said[0]


def test_frames_in_turn_are_those_one_by_one(engine, reference):
    frames = [noise(90, 170, seed=seed) for seed in range(7)]
    frames[3] = noise(60, 60)
    found = [result.labels.copy() for result in engine.infer_each(frames, color_order='rgb')]
    for frame, labels in zip(frames, found, strict=True):
        np.testing.assert_array_equal(labels, reference.infer(frame, color_order='rgb').labels)
    assert list(engine.infer_each([])) == []


def test_the_next_frame_is_on_its_way_before_the_last_one_is_waited_for(engine, monkeypatch):
    frames = [noise(90, 170, seed=seed) for seed in range(4)]
    for frame in frames[:2]:
        list(engine.infer_each([frame, frame]))  # both slots have their graph
    events = []
    for name in ('launch_graph', 'wait'):
        real = getattr(engine._device, name)
        monkeypatch.setattr(
            engine._device,
            name,
            lambda *arguments, real=real, name=name: (events.append(name), real(*arguments)),
        )
    list(engine.infer_each(frames))
    launch, wait = 'launch_graph', 'wait'
    assert events == [launch, launch, wait, launch, wait, launch, wait, wait]


def test_frames_in_turn_may_be_given_up(engine, reference):
    frame = noise(90, 170)
    results = engine.infer_each([frame] * 5)
    next(results)
    results.close()
    np.testing.assert_array_equal(engine.infer(frame).labels, reference.infer(frame).labels)
    with pytest.raises(TypeError, match='frame is NoneType'):
        list(engine.infer_each([frame, None]))
    np.testing.assert_array_equal(engine.infer(frame).labels, reference.infer(frame).labels)
    results = engine.infer_each([frame] * 5)
    next(results)
    other = 255 - frame
    np.testing.assert_array_equal(engine.infer(other).labels, reference.infer(other).labels)
    results.close()


def test_any_thread_may_call_and_close(model, reference):
    frame = noise(90, 170)
    found = []

    def work() -> None:
        found.append(engine.infer(frame).labels.copy())
        engine.close()

    engine = open_engine(model, 'tensorrt')
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    np.testing.assert_array_equal(found[0], reference.infer(frame).labels)
    engine.close()


def test_stage_times_cover_the_call(engine):
    stages = engine.infer(noise(90, 170)).stage_ms
    assert min(stages.resize, stages.network, stages.tail) > 0
