"""Lowers the priority of a process whose work can wait for everything else on the machine."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from typing import Any

from shared.windows import BELOW_NORMAL_PRIORITY_CLASS

#: Of the 20 steps below the usual priority; such a process gets a tenth of a core that others want too.
NICENESS = 10


def lower() -> None:
    """Give this process a low priority. It stays low, and so do its children; a system may refuse, silently.

    On Linux that holds for the calling thread and for those that it starts afterwards.
    """
    if sys.platform == "win32":
        lower_on_windows(ctypes.WinDLL("kernel32"))
    else:
        with contextlib.suppress(OSError):
            niceness = max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0))
            os.setpriority(os.PRIO_PROCESS, 0, niceness)


def lower_on_windows(kernel32: Any) -> None:
    """Do the same by Windows' SetPriorityClass; its answer says whether it did, and is not needed."""
    this_process, set_class = kernel32.GetCurrentProcess, kernel32.SetPriorityClass
    this_process.restype = ctypes.c_void_p  # handles have 64 bits
    set_class.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
    set_class(this_process(), BELOW_NORMAL_PRIORITY_CLASS)
