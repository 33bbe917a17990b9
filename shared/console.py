"""The end of a Windows console: closed, logged off or shut down.

Windows tells of it by a control event. Python passes on only Ctrl-C and Ctrl-Break, and Windows ends the
process as soon as the handler returns, or after some 5 s. So the handler waits until all is done.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from typing import Any

CLOSE, LOGOFF, SHUTDOWN = 2, 5, 6
PATIENCE_SECONDS = 4.5

if sys.platform == "win32":
    _Handler = ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_uint)
else:
    _Handler = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint)


def on_end(note: Callable[[], None], finished: threading.Event, kernel32: Any) -> object:
    """Have `note` called when the console ends; return what must be kept alive as long as that may happen."""

    def handle(event: int) -> int:
        if event not in (CLOSE, LOGOFF, SHUTDOWN):
            return 0
        note()
        finished.wait(PATIENCE_SECONDS)
        return 1

    handler = _Handler(handle)
    kernel32.SetConsoleCtrlHandler(handler, 1)
    return handler
