"""Keeping the C library's memory allocator from hoarding what a request needed for a moment."""

import ctypes
import sys

# From <malloc.h>; part of glibc's stable interface.
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_LARGE = 1 << 20
_ARENAS = 1


def hoard_little() -> None:
    """Let blocks of a megabyte and more return to the system when they are freed; glibc only.

    Left alone, glibc learns from the first password check (19 MiB for a moment) to keep such blocks, and
    makes a heap for each thread: a sixth of a web process would be memory that nobody uses.
    """
    library = _library()
    if library is not None:
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE)
        library.mallopt(_M_ARENA_MAX, _ARENAS)


def give_memory_back() -> None:
    """Return what was freed to the system; glibc only, a millisecond or so.

    For after what takes much for a moment and seldom comes: starting, compiling a page template.
    """
    library = _library()
    if library is not None:
        library.malloc_trim(0)


def _library() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    # Another C library (musl) has neither, and nothing to be told.
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
