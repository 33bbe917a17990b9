"""Keeps the server small: glibc gives each thread a heap of its own, and returns little of it."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

#: From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_ARENA_MAX = -1, -8
TRIM_BYTES = 131_072


def share_heap() -> None:
    """Let all threads use one heap, and return what is free at its end; other C libraries are left alone."""
    if sys.platform == "linux":
        with suppress(AttributeError, OSError):
            libc = ctypes.CDLL(None)
            libc.mallopt(_M_ARENA_MAX, 1)
            libc.mallopt(_M_TRIM_THRESHOLD, TRIM_BYTES)
