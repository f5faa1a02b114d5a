"""Building with the real builder of TensorRT-RTX, which needs no GPU. Nothing built is run."""

import stat
import threading
from dataclasses import replace
from types import SimpleNamespace

import onnx
import onnx.helper
import pytest

from stdc_core.engines import EngineError, EngineUnavailableError
from stdc_core.export import export_model
from stdc_core.geometry import Size
from stdc_core.labels import CAMVID, CITYSCAPES
from stdc_core.model_file import read_model_file
from stdc_core.networks import STDCSegConfig
from stdc_core.quantization.graph import quantize_graph
from stdc_core.synthetic.drive import frame_from_anywhere
from stdc_core.tensorrt import build
from stdc_core.tensorrt.build import build_plan
from stdc_core.tensorrt.gpu_probe import Gpu
from stdc_core.tensorrt.library import TensorRT, configure
from stdc_core.tensorrt.log import TensorRTLog

SIZE, ODD = Size(96, 160), Size(97, 203)
ORIN, TURING = Gpu('Orin', '8.7'), Gpu('RTX 2080', '7.5')


def built(file, tensorrt, gpu=None, **changes):
    arguments = {'size': SIZE, 'detail': False, 'precision': 'fp16'}
    return build_plan(file, tensorrt, gpu, **{**arguments, **changes})


def test_half_plan_is_built_and_says_what_it_is(model, rtx):
    told = []
    plan = built(model, rtx, on_progress=lambda *step: told.append(step))
    assert plan.fingerprint.flavour == 'tensorrt_rtx'
    assert plan.fingerprint.version == rtx.version
    assert (plan.fingerprint.compute_capability, plan.fingerprint.gpu) == ('8.0+', '')
    assert plan.fingerprint.model_sha256 == model.sha256
    weights = 2 * model.count_weights()
    assert 0.9 * weights < len(plan.engine) < 1.5 * weights
    phases = [phase for phase, _, _ in told]
    assert phases[0] == phases[-1]  # the outermost
    assert len(set(phases)) > 3
    assert all(0 <= done <= total for _, done, total in told)


def test_float_plan_of_an_odd_size_with_detail_for_a_batch(model, rtx):
    plan = built(model, rtx, size=ODD, detail=True, precision='fp32', batch=2)
    assert plan.fingerprint.batch == 2
    assert len(plan.engine) > 3.6 * model.count_weights()


@pytest.mark.parametrize('precision', ['fp32', 'fp16'])
def test_int8_plan_is_built(quantized_model, rtx, precision):
    plan = built(quantized_model, rtx, size=ODD, detail=True, precision=precision)
    assert plan.fingerprint.precision == precision
    assert len(plan.engine) < 2 * 2 * quantized_model.count_weights()


def test_plan_for_an_older_gpu(model, rtx):
    assert built(model, rtx, TURING).fingerprint.compute_capability == '7.5'


def test_interrupt_ends_the_build(model, rtx, interrupt):
    threads = threading.active_count()
    last = []

    def show(phase, done, total):
        if not last:
            interrupt()
        last.append((phase, done, total))

    with pytest.raises(KeyboardInterrupt):
        built(model, rtx, on_progress=show)
    assert threading.active_count() == threads
    whole = []
    built(model, rtx, on_progress=lambda *step: whole.append(step))
    assert len(last) < len(whole)


def test_error_of_who_shows_progress_is_raised(model, rtx):
    def broken(phase, done, total):
        raise ValueError(phase)

    with pytest.raises(ValueError, match=r'\w'):
        built(model, rtx, on_progress=broken)


def test_graph_that_the_parser_refuses(model, rtx, monkeypatch):
    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    next(node for node in proto.graph.node if node.op_type == 'Relu').op_type = 'Nonsense'
    with pytest.raises(EngineError, match=r'does not read the graph: .*Nonsense'):
        built(replace(model, proto=proto), rtx, precision='fp32')


def test_parser_that_loses_the_precision_is_refused(model, rtx, monkeypatch):
    monkeypatch.setattr(build, '_parsed_types', lambda tensorrt, network: {'half': 0, 'float': 43})
    with pytest.raises(EngineError, match=r"'half': 40, 'float': 1.*does not keep the precision"):
        built(model, rtx)


def test_tensorrt_rtx_makes_no_plans_for_other_versions(model, rtx):
    with pytest.raises(EngineUnavailableError, match='build without --version-compatible'):
        built(model, rtx, version_compatible=True)


def test_tensorrt_without_a_gpu_is_not_asked(model):
    with pytest.raises(EngineUnavailableError, match='there is none here'):
        built(model, TensorRT(None, 'tensorrt', '10.3.0'))


@pytest.fixture
def classic(rtx):
    """TensorRT-RTX in the part of TensorRT, as far as it goes."""
    return TensorRT(rtx.module, 'tensorrt', '10.3.0')


@pytest.mark.filterwarnings('ignore:.*Timing cache:DeprecationWarning')
def test_timings_are_kept_for_the_next_build(model, classic, tmp_path):
    """TensorRT-RTX has a timing cache only for show."""
    path = tmp_path / 'plans' / 'x.timings'
    plan = built(model, classic, ORIN, timing_cache=path)
    assert (plan.fingerprint.gpu, plan.fingerprint.compute_capability) == ('Orin', '8.7')
    assert path.stat().st_size > 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    built(model, classic, ORIN, timing_cache=path)
    path.write_bytes(b'of another version')
    built(model, classic, ORIN, timing_cache=path)


def test_plan_for_several_gpus(model, classic):
    plan = built(model, classic, ORIN, hardware_compatible=True)
    assert (plan.fingerprint.gpu, plan.fingerprint.compute_capability) == ('', '8.0+')


def test_what_fails_in_the_builder_says_why(model, classic):
    """TensorRT-RTX has no lean runtime, which plans for other versions take along."""
    with pytest.raises(EngineError, match=r'TensorRT 10\.3\.0 does not build .*: .*Error Code'):
        built(model, classic, ORIN, version_compatible=True)


def test_errors_are_told_while_another_builder_is_alive(model, classic, rtx):
    """TensorRT keeps to the first logger as long as something made with it is there."""
    other, log = TensorRTLog(), TensorRTLog()
    builder = rtx.module.Builder(other.as_logger(rtx))
    assert builder is not None
    with pytest.raises(EngineError, match='Error Code'):
        built(model, classic, ORIN, version_compatible=True)
    assert 'Error Code' in other.reason
    assert log.reason == 'it does not say why'  # it was given to nobody


def test_tensorrt_rtx_is_configured_for_what_was_asked(rtx):
    module = rtx.module
    builder = module.Builder(TensorRTLog().as_logger(rtx))
    for gpu, targets in ((Gpu('', '8.0+'), []), (TURING, [module.ComputeCapability.SM75])):
        config = builder.create_builder_config()
        configure(rtx, config, gpu, version_compatible=False)
        assert not config.get_flag(module.BuilderFlag.TF32)
        assert config.get_flag(module.BuilderFlag.REQUIRE_USER_ALLOCATION)
        assert config.profiling_verbosity == module.ProfilingVerbosity.DETAILED
        count = config.num_compute_capabilities
        assert [config.get_compute_capability(number) for number in range(count)] == targets


@pytest.mark.parametrize('version_compatible', [False, True])
@pytest.mark.parametrize('gpu', [ORIN, Gpu('', '8.0+')])
def test_tensorrt_is_configured_for_what_was_asked(gpu, version_compatible):
    """A fake that takes only what TensorRT 10 and 11 both have."""
    module = SimpleNamespace(
        BuilderFlag=SimpleNamespace(TF32='tf32', VERSION_COMPATIBLE='version'),
        ProfilingVerbosity=SimpleNamespace(DETAILED='detailed'),
        HardwareCompatibilityLevel=SimpleNamespace(AMPERE_PLUS='ampere'),
    )
    flags = {'tf32'}
    config = SimpleNamespace(
        set_flag=flags.add, clear_flag=flags.remove, hardware_compatibility_level=None
    )
    tensorrt = TensorRT(module, 'tensorrt', '10.3.0')
    configure(tensorrt, config, gpu, version_compatible=version_compatible)
    assert flags == ({'version'} if version_compatible else set())
    assert config.hardware_compatibility_level == (None if gpu.name else 'ampere')
    assert config.profiling_verbosity == 'detailed'


@pytest.mark.slow
@pytest.mark.parametrize('variant', ['stdc1', 'stdc2'])
@pytest.mark.parametrize('labels', [CAMVID, CITYSCAPES], ids=lambda labels: labels.name)
def test_every_exported_variant_builds(variant, labels, rtx, make_checkpoint, tmp_path):
    """{fp32, fp16, int8 and either} x {with, without detail} x {fixed, odd sizes}."""
    path = tmp_path / 'model.onnx'
    export_model(make_checkpoint(STDCSegConfig(variant, len(labels)), labels), path, size=SIZE)
    file = read_model_file(path)
    images = [frame_from_anywhere(number, 3, SIZE).image for number in range(2)]
    metadata = replace(file.metadata, quantization={'precision': 'int8'})
    int8 = replace(file, proto=quantize_graph(file.proto, images), metadata=metadata)
    bytes_of = {}
    for name, source in (('float', file), ('int8', int8)):
        for precision in ('fp32', 'fp16'):
            for detail in (False, True):
                for size in (Size(128, 256), ODD):
                    plan = built(source, rtx, size=size, detail=detail, precision=precision)
                    bytes_of[name, precision, detail, size] = len(plan.engine)
    assert len(bytes_of) == 16
    for (name, precision, detail, size), count in bytes_of.items():
        if (name, precision) == ('float', 'fp16'):
            assert count < 0.65 * bytes_of[name, 'fp32', detail, size]
