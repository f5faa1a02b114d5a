"""The kernels that ship, and what they take as arguments."""

import re

from stdc_core.cuda.compile_ptx import PTX

_LETTERS = {'u64': 'P', 'u32': 'i'}


def read_ptx() -> bytes:
    """Read the PTX that ships, as the driver takes it."""
    return PTX.read_bytes() + b'\0'


def signatures(ptx: bytes) -> dict[str, str]:
    """Find what each kernel takes: one letter an argument, ``P`` a pointer and ``i`` an int."""
    found = {}
    for name, parameters in re.findall(r'\.entry (\w+)\((.*?)\)', ptx.decode(), re.DOTALL):
        types = re.findall(r'\.param \.(\w+)', parameters)
        found[name] = ''.join(_LETTERS[kind] for kind in types)
    return found
