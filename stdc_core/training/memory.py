"""Where a training on the CPU has its memory: the same tensors every iteration, of tens of MB."""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
LARGEST_MMAP_THRESHOLD = 32 << 20  # glibc takes no more


def keep_freed_memory() -> None:
    """Let glibc keep what tensors leave for the tensors of the next iteration.

    Otherwise it gives much of it back, and the kernel clears it anew page by page: up to 200,000
    page faults an iteration of the ``small`` recipe. No value changes. Where the C library has no
    mallopt it does nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)
        mallopt(M_TRIM_THRESHOLD, -1)
