"""Keeping the C library's memory allocator from hoarding what a request needed for a moment."""

import ctypes
import sys

# From <malloc.h>; part of glibc's stable interface.
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_LARGE = 1 << 20
_ARENAS = 2


def give_memory_back() -> None:
    """Let blocks of a megabyte and more return to the system when they are freed; glibc only.

    Left alone, glibc learns from the first password check (19 MiB for a moment) to keep such blocks, and
    makes a heap for each thread: a sixth of a web process would be memory that nobody uses.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
        mallopt(_M_ARENA_MAX, _ARENAS)
