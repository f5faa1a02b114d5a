"""The TensorRT engine on the fake driver; run by test_tensorrt.py in a process of its own."""

import ctypes
import dataclasses
import importlib.util
import logging
import threading
from types import SimpleNamespace

import fake_tensorrt
import numpy as np
import pytest
import torch

from stdc_core.cuda import device as device_module
from stdc_core.engines import EngineError, EngineUnavailableError, SelfCheckError, open_engine
from stdc_core.engines import tensorrt as engine_module
from stdc_core.engines.base import MAX_FRAME_SIZES
from stdc_core.geometry import FrameGeometry, Size
from stdc_core.self_check import SelfCheck
from stdc_core.tensorrt.fingerprint import fingerprint_of
from stdc_core.tensorrt.library import TensorRT
from stdc_core.tensorrt.plan import Plan

CPU = torch.device('cpu')
COUNTED = ('device_memory', 'host_memory', 'streams', 'graphs', 'modules', 'contexts', 'current')


class Driver:
    """What the fake driver counts and finds wrong."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL('libcuda.so.1')
        self._library.fake_count.restype = ctypes.c_longlong
        self._library.fake_set.argtypes = [ctypes.c_char_p, ctypes.c_longlong]

    def count(self, name: str) -> int:
        return self._library.fake_count(name.encode())

    def counts(self) -> dict[str, int]:
        return {name: self.count(name) for name in COUNTED}

    def set(self, name: str, value: int) -> None:
        self._library.fake_set(name.encode(), value)

    def misuse(self) -> str:
        text = ctypes.create_string_buffer(1 << 16)
        self._library.fake_misuse(text, len(text))
        return text.value.decode()


# pycuda has to be built where it is used, so it is not among the tests' packages.
LIBRARIES = ['cuda-bindings', *(['pycuda'] if importlib.util.find_spec('pycuda') else [])]


@pytest.fixture(scope='module', params=LIBRARIES)
def library(request):
    if request.param == 'pycuda':
        from stdc_core.cuda.pycuda_device import PycudaDevice as Device
    else:
        from stdc_core.cuda.bindings_device import BindingsDevice as Device
    return Device


@pytest.fixture
def driver():
    driver = Driver()
    yield driver
    for name, value in (
        ('memory_limit', 1 << 33),
        ('capture_refused', 0),
        ('init_result', 0),
        ('device_count', 1),
        ('check_memory', 1),
    ):
        driver.set(name, value)


@pytest.fixture(autouse=True)
def fake_gpu(library, driver, monkeypatch):
    """Set up GPU, TensorRT and plans of every size; at the end nothing may be left of them."""
    tensorrt = TensorRT(fake_tensorrt, 'tensorrt', '10.3.0')

    def load_plan(model, tensorrt, gpu, *, size, detail, precision):
        fingerprint = fingerprint_of(
            model, tensorrt, gpu, size=size, detail=detail, precision=precision
        )
        return Plan(fingerprint, fake_tensorrt.plan_graph(model, size, detail))

    monkeypatch.setattr(engine_module, 'find_tensorrt', lambda: tensorrt)
    monkeypatch.setattr(engine_module, 'load_plan', load_plan)
    monkeypatch.setattr(engine_module, 'open_device', library)
    monkeypatch.setattr(fake_tensorrt.Context, 'compute', True)
    device_module.open_device().close()  # pycuda keeps the context with the process
    before = driver.counts()
    yield
    assert driver.misuse() == ''
    assert driver.counts() == before


@pytest.fixture
def engine(model):
    with open_engine(model, 'tensorrt') as engine:
        yield engine


@pytest.fixture
def reference(model):
    with open_engine(model, 'onnxruntime', threads=1, detail=True) as engine:
        yield engine


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


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


def test_without_graphs_it_goes_step_by_step_and_says_so(model, driver, reference, caplog):
    driver.set('capture_refused', 1)
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
    with pytest.raises(SelfCheckError, match='tensorrt at fp32 is wrong'):
        open_engine(dataclasses.replace(model, metadata=metadata))


def test_bf16_has_no_plan(model):
    with pytest.raises(EngineUnavailableError, match='asked for bf16'):
        open_engine(model, 'tensorrt', precision='bf16')


def test_pycuda_or_else_cuda_bindings():
    found = device_module.open_device()
    found.close()
    assert found.library.split()[0] == LIBRARIES[-1]


def test_stage_times_cover_the_call(engine):
    stages = engine.infer(noise(90, 170)).stage_ms
    assert min(stages.resize, stages.network, stages.tail) > 0


def test_kernels_around_a_torch_network(driver, monkeypatch):
    """Memory is torch's, so the driver cannot tell what belongs to whom."""
    from stdc_core.cuda.bindings_device import BindingsDevice
    from stdc_core.engines import torch_tail

    device = BindingsDevice()
    with device.activate():
        stream = device.create_stream()
    monkeypatch.setattr(torch_tail, '_stream', lambda: stream)
    monkeypatch.setattr(torch.cuda, 'current_device', lambda: 0)
    driver.set('check_memory', 0)
    geometry = FrameGeometry(Size(90, 170), Size(96, 160), 'letterbox')
    metadata = SimpleNamespace(align_corners=True)
    tables = torch_tail.tables_of(geometry, metadata)
    frame = torch.from_numpy(noise(90, 170))
    logits = torch.randn(11, 12, 20)
    results = []
    for tail in (torch_tail.KernelTail(CPU), torch_tail.TorchTail(CPU)):
        image = torch.zeros(1, 96, 160, 3, dtype=torch.uint8)
        maps = torch.zeros(3, 90, 170, dtype=torch.uint8)
        own = tail.tables(tables)
        tail.resize(frame, geometry, own, image, 'bgr')
        tail.labels(logits, own, maps[0])
        tail.confidence(logits, own, maps[1])
        tail.detail(logits[0].contiguous(), own, maps[2])
        with device.activate():
            device.wait(stream)
        tail.close()
        results.append((image, *maps))
    for kernels, plain in zip(*results, strict=True):
        assert plain.float().std() > 0
        difference = kernels.int() - plain.int()
        assert difference.abs().max() <= (1 if plain is not results[1][1] else 0)
    torch.testing.assert_close(results[0][0], results[1][0], rtol=0, atol=0)
    with device.activate():
        device.destroy_stream(stream)
    device.close()
