"""The memory of this machine."""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import sys


class MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX of Windows."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("load_percent", ctypes.c_uint32),
        ("total_physical", ctypes.c_uint64),
        ("available_physical", ctypes.c_uint64),
        ("total_page_file", ctypes.c_uint64),
        ("available_page_file", ctypes.c_uint64),
        ("total_virtual", ctypes.c_uint64),
        ("available_virtual", ctypes.c_uint64),
        ("available_extended_virtual", ctypes.c_uint64),
    )

    @classmethod
    def now(cls) -> MemoryStatus:
        """Ask Windows. Raises OSError."""
        status = cls(length=ctypes.sizeof(cls))
        if not ctypes.WinDLL("kernel32").GlobalMemoryStatusEx(ctypes.byref(status)):  # type: ignore[attr-defined,unused-ignore]
            raise OSError("Windows does not tell how much memory there is.")
        return status


def memory_bytes() -> float:
    """Return the memory of this machine; infinite if unknown."""
    with contextlib.suppress(OSError, ValueError):
        if sys.platform == "win32":
            return float(MemoryStatus.now().total_physical)
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return math.inf


def half_of_memory_gb(most_gb: float, memory: float | None = None) -> float:
    """Return half of this machine's memory in GB, at most `most_gb`, rounded down to 0.1."""
    half = (memory_bytes() if memory is None else memory) / 2e9
    return min(most_gb, math.floor(min(half, most_gb) * 10) / 10)
