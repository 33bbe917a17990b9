"""Forks a process that dies at a line of its choice (POSIX)."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def dies_at_line(left: int, module: str, act: Callable[[], object]) -> bool:
    """Act in a forked process that kills itself before one line of a module; False if it came to its end.

    Lines are counted as they are run. An error inside counts as the end, and fails the caller.
    """
    child = os.fork()
    if child == 0:
        try:
            sys.settrace(_killer(left, module))
            act()
        except BaseException:
            os._exit(3)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL), code
    return code != 0


def _killer(left: int, module: str) -> Callable[[FrameType, str, Any], Any]:
    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.endswith(module):
            return None
        if event == "line":
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
        return trace

    return trace
