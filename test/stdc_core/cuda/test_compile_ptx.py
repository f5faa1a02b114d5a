import re

import pytest

from stdc_core.cuda import compile_ptx


def compiled(source: str) -> str:
    try:
        return compile_ptx.compile_ptx(source)
    except compile_ptx.CompileError as error:
        if 'not installed' in str(error):
            pytest.skip(f'NOT RUN, the shipped PTX was not compared with its source: {error}')
        raise


def test_the_shipped_ptx_is_current():
    source, shipped = compile_ptx.SOURCE.read_text(), compile_ptx.PTX.read_text()
    assert compiled(source) == shipped, 'kernels.cu has changed: make ptx'


def test_the_shipped_ptx_is_one_that_drivers_since_cuda_12_5_take():
    ptx = compile_ptx.PTX.read_text()
    assert '\n.version 8.5\n' in ptx
    assert '\n.target sm_75\n' in ptx


def test_no_multiplication_is_fused_where_the_order_of_roundings_is_the_contract():
    """The exponential functions of softmax_maximum and sigmoid have their own."""
    entries = re.split(r'\.visible \.entry ', compile_ptx.PTX.read_text())[1:]
    fused = {entry.partition('(')[0] for entry in entries if re.search(r'\bfma\.', entry)}
    assert fused <= {'softmax_maximum', 'sigmoid'}


def test_what_does_not_compile_is_said():
    with pytest.raises(compile_ptx.CompileError, match=r'kernels\.cu does not compile:\n.*error'):
        compiled('__global__ void broken( {')


def test_another_version_of_the_compiler_is_refused(monkeypatch):
    compiled('')
    monkeypatch.setattr(compile_ptx, 'VERSION', (12, 5))
    with pytest.raises(compile_ptx.CompileError, match=r'NVRTC is 12\.6, expected.*pip install'):
        compile_ptx.compile_ptx('')
