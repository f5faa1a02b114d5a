"""The real node over an engine that fails on demand: a program of the fault bench.

The file that the environment's FAULT names has the name of a fault, read at every frame; empty:
none. What is replaced lies under the node (the backend's run) or around it; the node is as it is.
"""

import ctypes
import dataclasses
import os
import sys
import time
from pathlib import Path

import numpy as np

from stdc_core.engines.base import InferenceEngine
from stdc_core.engines.onnxruntime import ONNXRuntimeEngine
from stdc_seg_ros.segmentation_node import SegmentationNode, main

FAULT = Path(os.environ['FAULT'])
FOREVER_S = 3600
frames = 0


def fail(output):
    raise RuntimeError('injected')


def fail_at_times(output):
    """Every seventh frame; the camera's pictures come by turns of four, so each meets it.

    At 15 Hz the diagnostics, once a second, then meet another of the seven each time.
    """
    global frames
    frames += 1
    return fail(output) if frames % 7 == 0 else output


def run_out_of_memory(output):
    return np.empty(1 << 60, np.uint8)  # raises MemoryError, of itself


def hang(output):
    time.sleep(FOREVER_S)


def hang_with_the_gil(output):
    ctypes.PyDLL(None).sleep(FOREVER_S)


def compute_nan(output):
    logits = output.logits.copy()
    logits[0, 0, 0] = np.nan
    return output._replace(logits=logits)


def end_the_thread(output):
    raise SystemExit


IN_THE_BACKEND = {
    'fail': fail,
    'fail at times': fail_at_times,
    'memory': run_out_of_memory,
    'hang': hang,
    'hang with the GIL': hang_with_the_gil,
    'nan': compute_nan,
    'end the thread': end_the_thread,
}
LABELS = {
    'no class': lambda labels: np.full_like(labels, 200),
    'another size': lambda labels: labels[:-1],
}


def inject():
    run, infer, review = ONNXRuntimeEngine._run, InferenceEngine.infer, SegmentationNode._review

    def faulty_run(engine, image):
        output = run(engine, image)
        fault = IN_THE_BACKEND.get(FAULT.read_text())
        return output if fault is None else fault(output)

    def faulty_infer(engine, *arguments, **named):
        result = infer(engine, *arguments, **named)
        fault = LABELS.get(FAULT.read_text())
        return (
            result if fault is None else dataclasses.replace(result, labels=fault(result.labels))
        )

    def faulty_review(node):
        review(node)
        if FAULT.read_text() == 'hang the executor':
            time.sleep(FOREVER_S)

    ONNXRuntimeEngine._run = faulty_run
    InferenceEngine.infer = faulty_infer
    SegmentationNode._review = faulty_review


if __name__ == '__main__':
    inject()
    sys.exit(main())
