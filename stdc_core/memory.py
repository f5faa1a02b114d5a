"""The memory of this process: how much it has, and what becomes of what it frees."""

import ctypes
import os
from pathlib import Path

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
LARGEST_MMAP_THRESHOLD = 32 << 20  # glibc takes no more
ALL = -1


def keep_freed_memory(most: int = ALL) -> None:
    """Let glibc keep the memory of freed arrays for the next ones.

    Otherwise it gives much of it back to the kernel, which then clears every page of the next
    image or tensor. No value changes. Where the C library has no mallopt it does nothing.

    :param most: bytes that are kept; all where not given.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)
        mallopt(M_TRIM_THRESHOLD, most)


def resident_memory() -> int:
    """Memory this process has in use now, shared libraries among it, bytes (Linux)."""
    return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')
