"""Which plan fits which machine: every field counts, and every difference has a name."""

import dataclasses
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stdc_core.geometry import Size
from stdc_core.tensorrt.fingerprint import PlanFingerprint, fingerprint_of
from stdc_core.tensorrt.gpu_probe import Gpu
from stdc_core.tensorrt.library import TensorRT

OTHERS = {  # field -> another value, and what the difference has to name of both
    'format': (2, 'format 1 of this package, wanted format 2 of this package'),
    'flavour': ('tensorrt_rtx', 'TensorRT, wanted TensorRT-RTX'),
    'version': ('10.7.0', 'version 10.3.0, wanted version 10.7.0'),
    'platform': ('linux-x86_64', 'linux-aarch64, wanted linux-x86_64'),
    'compute_capability': ('8.9', 'compute capability 8.7, wanted compute capability 8.9'),
    'gpu': ('Orin Nano', 'Orin, wanted Orin Nano'),
    'model_sha256': ('f' * 64, 'model file 0123456789ab…, wanted model file ffffffffffff…'),
    'size': (Size(1024, 512), '512x1024, wanted 1024x512'),
    'batch': (4, 'batch 1, wanted batch 4'),
    'precision': ('fp32', 'fp16, wanted fp32'),
    'detail': (True, 'without detail, wanted with detail'),
    'version_compatible': (True, 'for one version only, wanted version-compatible'),
}
ONE_WAY = {'version_compatible'}  # what has it fits where it is not asked for

fingerprints = st.builds(
    PlanFingerprint,
    format=st.integers(0, 9),
    flavour=st.sampled_from(['tensorrt', 'tensorrt_rtx']),
    version=st.sampled_from(['10.3.0', '10.13.2.6', '11.1.0']),
    platform=st.text(),
    compute_capability=st.sampled_from(['7.5', '8.0+', '8.7', '12.0']),
    gpu=st.text(),
    model_sha256=st.text(),
    size=st.builds(Size, st.integers(64, 999), st.integers(64, 999)),
    batch=st.integers(1, 8),
    precision=st.sampled_from(['fp32', 'fp16']),
    detail=st.booleans(),
    version_compatible=st.booleans(),
)


def test_every_field_is_tested_here():
    assert OTHERS.keys() == {field.name for field in dataclasses.fields(PlanFingerprint)}


def test_same_fits(fingerprint):
    assert fingerprint.differences(replace(fingerprint)) == []


@pytest.mark.parametrize('name', OTHERS)
def test_each_field_alone_is_a_named_difference(fingerprint, name):
    value, words = OTHERS[name]
    other = replace(fingerprint, **{name: value})
    assert fingerprint.differences(other) == [words]
    expected = [] if name in ONE_WAY else [', wanted '.join(reversed(words.split(', wanted ')))]
    assert other.differences(fingerprint) == expected


def test_all_differences_are_named(fingerprint):
    other = replace(fingerprint, **{name: value for name, (value, _) in OTHERS.items()})
    assert fingerprint.differences(other) == [words for _, words in OTHERS.values()]


@pytest.mark.parametrize(
    ('built', 'runs', 'fits'),
    [
        ('10.3.0', '10.3.0', True),
        ('10.3.0', '10.10.1', True),  # numbers, not text
        ('10.3.0', '11.1.0', True),
        ('10.10.0', '10.9.0', False),
        ('11.0.0', '10.3.0', False),
        ('11.0.0', '12.0.0', False),
        ('9.3.0', '10.3.0', False),
    ],
)
def test_version_compatible_plan_fits_later_versions(fingerprint, built, runs, fits):
    plan = replace(fingerprint, version=built, version_compatible=True)
    assert (plan.differences(replace(fingerprint, version=runs)) == []) == fits
    strict = replace(plan, version_compatible=False)
    assert (strict.differences(replace(fingerprint, version=runs)) == []) == (built == runs)


@pytest.mark.parametrize(
    ('capability', 'fits'),
    [
        ('8.0', True),
        ('8.7', True),
        ('12.0', True),
        ('7.5', False),
        ('8.0+', True),
        ('9.0+', False),
    ],
)
def test_plan_for_several_gpus_fits_those(fingerprint, capability, fits):
    plan = replace(fingerprint, compute_capability='8.0+', gpu='')
    wanted = replace(fingerprint, compute_capability=capability, gpu='')
    assert (plan.differences(wanted) == []) == fits


def test_plan_of_any_gpu_fits_a_named_one_and_not_the_other_way(fingerprint):
    plan = replace(fingerprint, gpu='')
    assert plan.differences(fingerprint) == []
    assert fingerprint.differences(plan) == ['Orin, wanted any GPU']


@given(fingerprints)
def test_json_keeps_it(fingerprint):
    text = json.dumps(fingerprint.to_dict())
    back = PlanFingerprint.from_dict(json.loads(text))
    assert back == fingerprint
    assert back.size.height == fingerprint.size.height


@given(fingerprints, fingerprints)
def test_differences_name_only_what_differs(one, other):
    differing = [
        field.name
        for field in dataclasses.fields(PlanFingerprint)
        if getattr(one, field.name) != getattr(other, field.name)
    ]
    assert len(one.differences(other)) <= len(differing)
    if len(differing) > len({'version', 'compute_capability', 'gpu', 'version_compatible'}):
        assert one.differences(other)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'color': 'red'}, 'expected'),
        ({'batch': True}, 'batch is True, expected int'),
        ({'detail': 1}, 'detail is 1, expected bool'),
        ({'precision': 'bf16'}, "precision is 'bf16', expected fp32 or fp16"),
        ({'flavour': 'tensorflow'}, 'expected tensorrt or tensorrt_rtx'),
        ({'size': '512x1024'}, 'expected list'),
        ({'size': [512, 1024, 3]}, 'expected height and width'),
    ],
)
def test_what_is_no_fingerprint_is_refused(fingerprint, change, message):
    with pytest.raises(ValueError, match=message):
        PlanFingerprint.from_dict({**fingerprint.to_dict(), **change})


def test_missing_field_is_refused(fingerprint):
    fields = fingerprint.to_dict()
    del fields['gpu']
    with pytest.raises(ValueError, match='expected'):
        PlanFingerprint.from_dict(fields)


def test_it_is_of_model_library_and_gpu(model):
    tensorrt = TensorRT(None, 'tensorrt', '10.3.0')
    made = fingerprint_of(
        model, tensorrt, Gpu('Orin', '8.7'), size=Size(64, 96), detail=True, precision='fp32'
    )
    assert made.model_sha256 == model.sha256
    assert (made.flavour, made.version) == ('tensorrt', '10.3.0')
    assert (made.gpu, made.compute_capability) == ('Orin', '8.7')
    assert (made.size, made.batch, made.precision, made.detail) == ((64, 96), 1, 'fp32', True)
    assert made.platform.startswith('linux-')
