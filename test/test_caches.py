"""Compiled code is loaded again: nobody else may have written it."""

import tempfile
from pathlib import Path

import pytest

from stdc_core import upsample_numba


def test_numbas_cache_is_written_by_nobody_who_could_not_write_the_source():
    where = upsample_numba.labels_by_cell._cache.cache_path
    if where is None:
        pytest.skip('NOT RUN: numba has nowhere to write a cache')
    cache = Path(where)
    source = Path(upsample_numba.__file__).parent
    assert cache.stat().st_uid == source.stat().st_uid
    assert not cache.stat().st_mode & 0o022 & ~source.stat().st_mode
    shared = Path(tempfile.gettempdir()).resolve()
    assert source.is_relative_to(shared) or not cache.resolve().is_relative_to(shared)
