"""The folder of plans, without TensorRT: nothing there is deserialised."""

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace

import pytest

from stdc_core.engines import EngineUnavailableError
from stdc_core.geometry import Size
from stdc_core.private_folder import NotPrivateError
from stdc_core.tensorrt.cache import PlanCache, file_name, load_plan
from stdc_core.tensorrt.fingerprint import fingerprint_of
from stdc_core.tensorrt.gpu_probe import Gpu
from stdc_core.tensorrt.library import TensorRT
from stdc_core.tensorrt.plan import Plan, PlanFileError, read_plan

TENSORRT = TensorRT(None, 'tensorrt', '10.3.0')
ORIN = Gpu('Orin', '8.7')
SIZE = Size(96, 160)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    return PlanCache()


@pytest.fixture
def wanted(model):
    return fingerprint_of(model, TENSORRT, ORIN, size=SIZE, detail=False, precision='fp16')


def load(model):
    return load_plan(model, TENSORRT, ORIN, size=SIZE, detail=False, precision='fp16')


def test_empty_cache_finds_nothing_and_makes_no_folder(cache, fingerprint):
    assert cache.find(fingerprint) is None
    assert cache.why_not(fingerprint) == cache.replaced(fingerprint) == []
    assert not cache.folder.exists()


def test_stored_plan_is_found(cache, fingerprint):
    plan = Plan(fingerprint, b'engine')
    path = cache.store(plan)
    assert path.parent == cache.folder
    assert cache.find(fingerprint) == plan
    assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    'change',
    [{'version': '10.7.0'}, {'version_compatible': True}, {'format': 1}],
    ids=lambda change: next(iter(change)),
)
def test_plan_of_the_same_request_is_replaced(cache, fingerprint, change):
    cache.store(Plan(fingerprint, b'old'))
    newer = replace(fingerprint, **change)
    assert cache.replaced(newer) == fingerprint.differences(newer)
    cache.store(Plan(newer, b'new'))
    assert cache.find(newer).engine == b'new'
    assert len(list(cache.folder.iterdir())) == 1


@pytest.mark.parametrize(
    'change',
    [
        {'flavour': 'tensorrt_rtx'},
        {'compute_capability': '8.9'},
        {'gpu': 'Orin Nano'},
        {'model_sha256': 'f' * 64},
        {'size': Size(512, 512)},
        {'batch': 4},
        {'precision': 'fp32'},
        {'detail': True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_plan_of_another_request_stands_beside(cache, fingerprint, change):
    other = replace(fingerprint, **change)
    cache.store(Plan(fingerprint, b'one'))
    assert cache.find(other) is None
    assert cache.why_not(other) == fingerprint.differences(other)
    assert cache.replaced(other) == []
    cache.store(Plan(other, b'other'))
    assert cache.find(fingerprint).engine == b'one'
    assert cache.find(other).engine == b'other'


def test_name_of_a_gpu_is_no_way_out_of_the_folder(fingerprint):
    assert '/' not in file_name(replace(fingerprint, gpu='../../etc/Orin'))


def test_plan_made_for_this_gpu_goes_before_one_for_several(cache, fingerprint):
    portable = replace(fingerprint, gpu='', compute_capability='8.0+')
    cache.store(Plan(portable, b'portable'))
    assert cache.find(fingerprint).engine == b'portable'
    cache.store(Plan(fingerprint, b'own'))
    assert cache.find(fingerprint).engine == b'own'
    assert cache.find(portable).engine == b'portable'


def test_closest_plan_is_compared(cache, fingerprint):
    cache.store(Plan(replace(fingerprint, gpu='Thor', compute_capability='11.0'), b''))
    cache.store(Plan(replace(fingerprint, version='10.1.0'), b''))
    assert cache.why_not(fingerprint) == ['version 10.1.0, wanted version 10.3.0']


def test_what_is_no_plan_is_passed_over_aloud(cache, fingerprint, caplog):
    cache.store(Plan(fingerprint, b'engine'))
    (cache.folder / 'a.plan').write_bytes(b'foreign')
    (cache.folder / 'b.plan').mkdir()
    (cache.folder / 'notes.txt').write_text('no plan')
    assert cache.find(fingerprint).engine == b'engine'
    assert 'a.plan is no plan file' in caplog.text
    assert 'b.plan' in caplog.text
    assert 'notes.txt' not in caplog.text


def test_cut_plan_that_would_fit_is_an_error_and_can_be_replaced(cache, fingerprint):
    path = cache.store(Plan(fingerprint, bytes(1000)))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(PlanFileError, match='is cut'):
        cache.find(fingerprint)
    cache.store(Plan(fingerprint, b'again'))
    assert cache.find(fingerprint).engine == b'again'


def test_plan_exchanged_between_two_looks_is_compared_again(cache, fingerprint, monkeypatch):
    cache.store(Plan(fingerprint, b'one'))
    other = Plan(replace(fingerprint, gpu='Thor'), b'other')
    monkeypatch.setattr('stdc_core.tensorrt.cache.read_plan', lambda path: other)
    with pytest.raises(PlanFileError, match='has changed: Thor, wanted Orin'):
        cache.find(fingerprint)


def test_folder_that_others_write_is_refused(cache, fingerprint):
    cache.store(Plan(fingerprint, b'engine'))
    cache.folder.chmod(0o770)
    for use in (cache.find, cache.why_not, lambda wanted: cache.store(Plan(wanted, b''))):
        with pytest.raises(NotPrivateError, match='can be written by others'):
            use(fingerprint)


def test_plan_of_another_user_is_refused(cache, fingerprint, monkeypatch):
    path = cache.store(Plan(fingerprint, b'engine'))
    owned = os.stat_result((*path.stat()[:4], os.geteuid() + 12345, *path.stat()[5:]))
    monkeypatch.setattr(os, 'fstat', lambda number: owned)
    with pytest.raises(NotPrivateError, match='belongs to user'):
        cache.find(fingerprint)


WRITER = """
import json, sys
from stdc_core.tensorrt.cache import PlanCache
from stdc_core.tensorrt.fingerprint import PlanFingerprint
from stdc_core.tensorrt.plan import Plan
fields, byte = sys.argv[1:]
fingerprint = PlanFingerprint.from_dict(json.loads(fields))
for _ in range(50):
    PlanCache().store(Plan(fingerprint, bytes([int(byte)]) * 300_000))
"""


def test_writers_at_once_never_leave_a_plan_that_is_not_whole(cache, fingerprint):
    cache.store(Plan(fingerprint, b'\1' * 300_000))
    fields = json.dumps(fingerprint.to_dict())
    writers = [
        subprocess.Popen([sys.executable, '-c', WRITER, fields, byte]) for byte in ('1', '2')
    ]
    try:
        while any(writer.poll() is None for writer in writers):
            engine = cache.find(fingerprint).engine
            assert len(engine) == 300_000
            assert len(set(engine)) == 1
    finally:
        codes = [writer.wait(60) for writer in writers]
    assert codes == [0, 0]
    assert [path.name for path in cache.folder.iterdir()] == [file_name(fingerprint)]


def test_load_plan_finds_it(model, cache, wanted):
    plan = Plan(wanted, b'engine')
    cache.store(plan)
    assert load(model) == plan


def test_load_plan_without_one_names_the_command(model, cache):
    with pytest.raises(EngineUnavailableError) as raised:
        load(model)
    message = str(raised.value)
    assert message.startswith(f'{cache.folder} has no plan of {model.path} for TensorRT 10.3.0')
    command = f'stdc_seg build-engine {model.path} --size 96 160 --precision fp16'
    assert message.endswith(f"build it with '{command}'")
    assert 'closest' not in message


def test_load_plan_with_a_stale_one_names_what_is_different(model, cache, wanted):
    cache.store(Plan(replace(wanted, version='10.1.0', model_sha256='a' * 64), b''))
    with pytest.raises(EngineUnavailableError, match='build it with') as raised:
        load(model)
    assert 'version 10.1.0, wanted version 10.3.0; model file aaaaaaaaaaaa…' in str(raised.value)


def test_load_plan_with_a_cut_one_says_so(model, cache, wanted):
    path = cache.store(Plan(wanted, bytes(1000)))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(EngineUnavailableError, match=r'is cut.*build it with'):
        load(model)


def test_folder_is_in_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert PlanCache().folder == tmp_path / 'stdc_seg_ros/plans'
    monkeypatch.delenv('XDG_CACHE_HOME')
    monkeypatch.setenv('HOME', str(tmp_path))
    assert PlanCache().folder == tmp_path / '.cache/stdc_seg_ros/plans'


def test_everything_written_can_be_read_again(cache, fingerprint):
    path = cache.store(Plan(fingerprint, b'engine'))
    assert read_plan(path).fingerprint == fingerprint
