"""How much memory this process may take, and how to tell that there was too little.

Linux limits the address space, Windows the memory of a job, macOS neither. An address space is what is asked
for, not what is used, so there the limit stands above what the process has already: its libraries alone
reserve 0.4 GB.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import re
import sys
from pathlib import Path
from typing import Any

from shared.machine import MemoryStatus, memory_bytes

GB = 1_000_000_000
#: An allocation that any process in good health can make.
MODEST_BYTES = 32_000_000
#: How numpy, CTranslate2, ONNX Runtime, C++ and the system say it.
_WORDS = re.compile(
    r"bad_?alloc|bad allocation|(fail|unable|cannot|could ?n.t)\w* (to )?alloc|"
    r"alloc\w* (still )?failed|out of memory",
    re.IGNORECASE,
)

JOB_EXTENDED_LIMITS = 9
JOB_LIMIT_PROCESS_MEMORY = 0x0100


class JobLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION of Windows."""

    _fields_ = (
        ("per_process_user_time", ctypes.c_int64),
        ("per_job_user_time", ctypes.c_int64),
        ("limit_flags", ctypes.c_uint32),
        ("minimum_working_set", ctypes.c_size_t),
        ("maximum_working_set", ctypes.c_size_t),
        ("active_processes", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("priority_class", ctypes.c_uint32),
        ("scheduling_class", ctypes.c_uint32),
        ("io_counters", ctypes.c_uint64 * 6),
        ("process_memory", ctypes.c_size_t),
        ("job_memory", ctypes.c_size_t),
        ("peak_process_memory", ctypes.c_size_t),
        ("peak_job_memory", ctypes.c_size_t),
    )


def limit(gigabytes: float) -> None:
    """Let this process take so much more than it has now, on Windows so much in all.

    Raises OSError if the system refuses.
    """
    most_bytes = int(gigabytes * GB)
    if sys.platform == "win32":
        limit_job(most_bytes, ctypes.WinDLL("kernel32", use_last_error=True))
        return
    import resource

    soft = _address_space_bytes() + most_bytes
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    try:
        resource.setrlimit(
            resource.RLIMIT_AS, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
        )
    except ValueError as error:  # so Python calls EINVAL, with which macOS answers
        raise OSError("The system refuses to limit the memory of the engine.") from error


def limit_job(most_bytes: int, kernel32: Any) -> None:
    """Put this process into a job of its own, whose processes may take `most_bytes` each (Windows)."""
    kernel32.CreateJobObjectW.restype = ctypes.c_void_p
    kernel32.GetCurrentProcess.restype = ctypes.c_void_p
    limits = JobLimits(limit_flags=JOB_LIMIT_PROCESS_MEMORY, process_memory=most_bytes)
    job = ctypes.c_void_p(kernel32.CreateJobObjectW(None, None))
    this = ctypes.c_void_p(kernel32.GetCurrentProcess())
    size = ctypes.sizeof(limits)
    done = kernel32.SetInformationJobObject(job, JOB_EXTENDED_LIMITS, ctypes.byref(limits), size)
    if not (done and kernel32.AssignProcessToJobObject(job, this)):
        raise OSError("Windows refuses to limit the memory of the engine.")


def free_bytes() -> float:
    """How much memory is free on this machine, or else how much there is; infinite if nothing tells."""
    with contextlib.suppress(OSError, ValueError):
        return _FREE.get(sys.platform, memory_bytes)()
    return math.inf


def _free_on_linux() -> float:
    lines = Path("/proc/meminfo").read_text().splitlines()
    (kilobytes,) = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return float(kilobytes) * 1024


def _free_on_windows() -> float:
    return float(MemoryStatus.now().available_physical)


_FREE = {"linux": _free_on_linux, "win32": _free_on_windows}


def ran_out(error: BaseException) -> bool:
    """Whether an error says that there was too little memory; native libraries say it in words alone."""
    return isinstance(error, MemoryError) or says_so(str(error))


def says_so(text: str) -> bool:
    """Whether a text says that there was too little memory."""
    return _WORDS.search(text) is not None


def is_short() -> bool:
    """Whether there is too little for a modest allocation, too.

    A damaged file may well ask for more than there can be; then it is the file that is at fault.
    """
    try:
        bytearray(MODEST_BYTES)
    except MemoryError:
        return True
    return False


def _address_space_bytes() -> int:
    """Return the address space that this process has reserved; 0 if unknown."""
    statm = Path("/proc/self/statm")
    if sys.platform == "win32" or not statm.exists():
        return 0
    import resource

    return int(statm.read_text().split()[0]) * resource.getpagesize()
