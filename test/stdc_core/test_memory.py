"""Freed memory stays: counted by the page faults of a process of its own."""

import subprocess
import sys

import numpy as np
import pytest

from stdc_core.memory import resident_memory

CODE = """
import resource, sys
import numpy as np
from stdc_core.memory import keep_freed_memory

if 'keep' in sys.argv:
    keep_freed_memory()
for _ in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    arrays = [np.ones(20 << 20, np.uint8) for _ in range(8)]
    del arrays
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='glibc is what it sets')
def test_the_second_time_the_memory_is_there():
    def faults(*arguments):
        command = [sys.executable, '-c', CODE, *arguments]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    without = faults()
    assert without > 100
    assert faults('keep') < without / 10


def test_an_array_that_is_written_is_memory_of_the_process():
    before = resident_memory()
    array = np.ones(64 << 20, np.uint8)
    assert 0.9 * array.nbytes < resident_memory() - before < 1.5 * array.nbytes
