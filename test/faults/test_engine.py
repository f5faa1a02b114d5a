"""An engine that fails: every frame of it is counted and named, and the next frame is tried."""

import pytest
from faults.scene import ERROR, WARN

FAULTS = {
    'fail': 'frame failed: RuntimeError: injected',
    'memory': 'MemoryError: Unable to allocate',
    'nan': 'onnxruntime computed 1 of',
    'no class': 'the engine returned label 200, expected 0 to 10',
    'another size': 'labels of uint8 and shape (59, 80), expected uint8 and (60, 80)',
}


@pytest.mark.parametrize(
    'kind',
    [pytest.param(kind, marks=[] if kind == 'fail' else pytest.mark.slow) for kind in FAULTS],
)
def test_engine_fault(scene, fault, kind):
    """ERROR from the first frame on, since the newest failed."""
    fault.write_text(kind)
    scene.fault()
    _, message, _ = scene.detect('failing', ERROR)
    assert FAULTS[kind] in message
    fault.write_text('')
    scene.recover()
    counts = scene.end()
    assert counts['failed'] > 0
    assert counts['rejected'] == 0


@pytest.mark.slow
def test_engine_fails_at_times(scene, fault):
    """Every seventh frame: WARN at least, also where the newest went through."""
    fault.write_text('fail at times')
    scene.fault()
    scene.detect('failing', WARN, 'images of the last')
    fault.write_text('')
    scene.recover()
    counts = scene.end()
    assert counts['processed'] > counts['failed'] > 0
