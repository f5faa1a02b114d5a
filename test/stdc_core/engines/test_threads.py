"""One budget of threads: what runs beside the caller."""

import time

import numpy as np
import pytest

from stdc_core.engines import open_engine

FRAME = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), dtype=np.uint8)


@pytest.mark.parametrize('backend', ['openvino', 'onnxruntime', 'torch'])
def test_one_thread_is_the_callers_own(backend, model):
    """Resize, network, tail; by processor times, which a busy machine does not change."""
    with open_engine(model, backend, threads=1) as engine:
        engine.infer(FRAME, confidence=True)
        process, own = time.process_time(), time.thread_time()
        for _ in range(20):
            engine.infer(FRAME, confidence=True)
        process, own = time.process_time() - process, time.thread_time() - own
    assert own > 0.9 * process
