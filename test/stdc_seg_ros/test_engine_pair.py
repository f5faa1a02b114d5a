"""Two engines of one model: the one with detail is opened when somebody wants it."""

import logging
import threading

import numpy as np
import pytest

from stdc_core.engines import open_engine
from stdc_core.errors import UserError
from stdc_seg_ros.engine_pair import EnginePair

DEADLINE_S = 20


class FakeEngine:
    def __init__(self, detail):
        self.detail, self.closed = detail, False

    def close(self):
        self.closed = True


@pytest.fixture
def gate():
    """Lets the engine with detail open."""
    return threading.Event()


@pytest.fixture
def opened(gate):
    return []


@pytest.fixture
def pair(gate, opened):
    def open_it(detail):
        if detail:
            gate.wait(DEADLINE_S)
        opened.append(FakeEngine(detail))
        return opened[-1]

    pair = EnginePair(open_it)
    yield pair
    gate.set()
    pair.close(DEADLINE_S)


def wait_opened(pair):
    pair._opening.join(DEADLINE_S)


def test_detail_is_not_opened_unless_asked_for(pair, opened):
    for _ in range(3):
        assert not pair.choose(detail=False).detail
    assert len(opened) == 1


def test_frames_go_on_while_the_other_engine_is_opened(pair, opened, gate):
    for _ in range(3):
        assert pair.choose(detail=True) is pair.plain
    gate.set()
    wait_opened(pair)
    assert pair.choose(detail=True).detail
    assert len(opened) == 2


def test_nobody_pays_once_nobody_looks_any_more(pair, opened, gate):
    gate.set()
    pair.choose(detail=True)
    wait_opened(pair)
    assert pair.choose(detail=True).detail
    assert pair.choose(detail=False) is pair.plain
    assert pair.choose(detail=True).detail
    assert len(opened) == 2


def test_closing_frees_both_even_one_that_nobody_took(pair, opened, gate):
    pair.choose(detail=True)
    gate.set()
    pair.close(DEADLINE_S)
    assert [engine.closed for engine in opened] == [True, True]


@pytest.mark.parametrize('error', [UserError('no detail head'), RuntimeError('no detail head')])
def test_a_model_without_detail_runs_on_and_says_so_once(caplog, error):
    def open_it(detail):
        if detail:
            raise error
        return FakeEngine(detail)

    pair = EnginePair(open_it)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert pair.choose(detail=True) is pair.plain
            wait_opened(pair)
    assert caplog.text.count('no detail head') >= 1
    assert len(caplog.records) == 1
    pair.close(DEADLINE_S)


def test_with_real_engines_labels_are_the_same(model, frame):
    pair = EnginePair(lambda detail: open_engine(model, 'onnxruntime', threads=1, detail=detail))
    plain = pair.choose(detail=True).infer(frame)
    expected = plain.labels.copy()
    assert plain.detail is None
    wait_opened(pair)
    result = pair.choose(detail=True).infer(frame)
    assert result.detail.shape == frame.shape[:2]
    np.testing.assert_array_equal(result.labels, expected)
    pair.close(DEADLINE_S)
