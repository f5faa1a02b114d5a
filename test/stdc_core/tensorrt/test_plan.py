"""Plan files: whole or refused, whatever happens to their bytes."""

import stat
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stdc_core.private_folder import NotPrivateError
from stdc_core.tensorrt.plan import Plan, PlanFileError, read_fingerprint, read_plan, write_plan

ENGINE = bytes(range(256))
in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def plan(fingerprint):
    return Plan(fingerprint, ENGINE)


@pytest.fixture
def path(tmp_path, plan):
    path = tmp_path / 'x.plan'
    write_plan(plan, path)
    return path


def test_what_is_written_is_read(path, plan):
    assert read_plan(path) == plan
    assert read_fingerprint(path) == plan.fingerprint


def test_it_is_the_owners_alone(path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_header_is_read_without_the_plan(path, plan):
    content = path.read_bytes()
    path.write_bytes(content[: -len(ENGINE)])
    assert read_fingerprint(path) == plan.fingerprint


@in_one_folder
@given(st.data())
def test_cut_anywhere_it_is_refused(path, data):
    content = path.read_bytes()
    part = path.with_name('cut.plan')
    part.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(PlanFileError, match=r'cut\.plan is (cut|no plan file)'):
        read_plan(part)


@in_one_folder
@given(st.data())
def test_with_any_byte_changed_it_is_refused(path, data):
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    changed = path.with_name('changed.plan')
    changed.write_bytes(content)
    changed.chmod(0o600)
    with pytest.raises(PlanFileError, match=r'changed\.plan'):
        read_plan(changed)


def test_with_more_behind_it_is_refused(path):
    path.write_bytes(path.read_bytes() + b'more')
    with pytest.raises(PlanFileError, match='has 260 bytes, expected 256'):
        read_plan(path)


@pytest.mark.parametrize('content', [b'', b'ptrt' * 100, b'stdcplan', b'stdcplan' + b'\xff' * 64])
def test_foreign_file_is_refused(tmp_path, content):
    path = tmp_path / 'foreign.plan'
    path.write_bytes(content)
    for read in (read_plan, read_fingerprint):
        with pytest.raises(PlanFileError, match=r'foreign\.plan'):
            read(path)


def test_another_format_says_so(path, plan):
    write_plan(Plan(replace(plan.fingerprint, format=99), ENGINE), path)
    with pytest.raises(PlanFileError, match='format 99 is not the 1 of this package'):
        read_plan(path)


def test_file_that_others_may_write_is_refused(path):
    path.chmod(0o620)
    with pytest.raises(NotPrivateError, match='can be written by others'):
        read_plan(path)


def test_missing_file_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_plan(tmp_path / 'none.plan')
