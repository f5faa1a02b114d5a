"""Logits without an order on the fake driver: that frame is refused, the next one is right."""

import fake_tensorrt
import numpy as np
import pytest
from fake_gpu import noise

from stdc_core.engines import EngineError, open_engine

GOOD, BLACK = noise(90, 170), np.zeros((90, 170, 3), np.uint8)
REFUSED = 'tensorrt computed {} of {} values as NaN or infinite, expected finite ones'


@pytest.fixture(params=['as a graph', 'step by step'], autouse=True)
def way(request, driver):
    driver.set('capture_refused', request.param == 'step by step')


def spoil(monkeypatch, tensor: str, where, value: float) -> None:
    """Make the network write a value to its logits of black frames."""

    def write(memory) -> None:
        if not memory['image'].any():
            memory[tensor].reshape(-1)[where] = value

    monkeypatch.setattr(fake_tensorrt.Context, 'spoil', write)


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(('tensor', 'total'), [('logits', 11 * 12 * 20), ('detail', 12 * 20)])
def test_one_value_costs_its_frame_and_no_other(
    model, reference, monkeypatch, tensor, total, value
):
    expected = reference.infer(GOOD).labels
    with open_engine(model, 'tensorrt', detail=True) as engine:
        spoil(monkeypatch, tensor, 3, value)
        for _ in range(2):
            with pytest.raises(EngineError, match=REFUSED.format(1, total)):
                engine.infer(BLACK)
            np.testing.assert_array_equal(engine.infer(GOOD).labels, expected)


def test_all_values_are_counted_of_every_size_for_itself(engine, reference, monkeypatch):
    spoil(monkeypatch, 'logits', slice(None), np.nan)
    other = noise(60, 60)
    for _ in range(3):
        with pytest.raises(EngineError, match=REFUSED.format(2640, 2640)):
            engine.infer(BLACK, confidence=True)
        np.testing.assert_array_equal(engine.infer(other).labels, reference.infer(other).labels)


@pytest.mark.parametrize('bad', range(4))
def test_of_frames_in_turn_the_bad_one_raises_in_its_turn(engine, reference, monkeypatch, bad):
    spoil(monkeypatch, 'logits', -1, np.inf)
    frames = [noise(90, 170, seed=seed) for seed in range(4)]
    expected = [reference.infer(frame).labels.copy() for frame in frames]
    frames[bad] = BLACK
    results = engine.infer_each(frames)
    found = [next(results).labels.copy() for _ in range(bad)]
    with pytest.raises(EngineError, match=REFUSED.format(1, 2640)):
        next(results)
    rest = [result.labels.copy() for result in engine.infer_each(frames[bad + 1 :])]
    np.testing.assert_array_equal([*found, *rest], expected[:bad] + expected[bad + 1 :])


def test_a_bad_frame_that_nobody_waits_for_is_no_other_frames(engine, reference, monkeypatch):
    spoil(monkeypatch, 'logits', 0, np.nan)
    results = engine.infer_each([GOOD, BLACK, GOOD])
    next(results)
    results.close()
    for result in engine.infer_each([GOOD] * 3):
        np.testing.assert_array_equal(result.labels, reference.infer(GOOD).labels)


def test_a_network_that_overflows_does_not_open(model, monkeypatch):
    def overflow(memory) -> None:
        memory['logits'][:] = np.nan

    monkeypatch.setattr(fake_tensorrt.Context, 'spoil', overflow)
    with pytest.raises(EngineError, match=REFUSED.format(2640, 2640)):
        open_engine(model, 'tensorrt')
