"""The priority of work that can wait."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from shared.priority import NICENESS, lower_on_windows
from tests.windows_library import Function

ROOT = Path(__file__).parents[2]
#: SetPriorityClass, by Microsoft.
BELOW_NORMAL = 0x4000
posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has classes of priority instead")


def niceness_after(code: str) -> list[int]:
    """What a process prints in which this code has run, with `priority` and `niceness()` in it."""
    start = """
        import os
        from shared import priority
        def niceness(): return os.getpriority(os.PRIO_PROCESS, 0)
    """
    command = [sys.executable, "-c", textwrap.dedent(start) + textwrap.dedent(code)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return [int(line) for line in told.stdout.split()]


@posix_only
def test_a_process_that_was_lowered_twice_is_as_low_as_after_once() -> None:
    code = "priority.lower(); print(niceness()); priority.lower(); print(niceness())"
    assert niceness_after(code) == [NICENESS, NICENESS]


@posix_only
def test_a_process_that_is_lower_already_is_left_alone() -> None:
    assert niceness_after("os.nice(15); priority.lower(); print(niceness())") == [15]


@posix_only
def test_threads_that_are_started_afterwards_are_low_as_well() -> None:
    code = """
        import threading
        priority.lower()
        thread = threading.Thread(target=lambda: print(niceness()))
        thread.start()
        thread.join()
    """
    assert niceness_after(code) == [NICENESS]


class Kernel32:
    """Knows this process by the handle that stands for it, and its class of priority."""

    THIS_PROCESS = 2**64 - 1

    def __init__(self) -> None:
        self.priority_class = 0x20
        self.GetCurrentProcess = Function(lambda: self.THIS_PROCESS)
        self.SetPriorityClass = Function(self._set)

    def _set(self, process: int, priority_class: int) -> int:
        if process != self.THIS_PROCESS:
            return 0
        self.priority_class = priority_class
        return 1


def test_on_windows_the_process_gets_the_class_below_normal() -> None:
    """Over the contract of SetPriorityClass; no real Windows was asked."""
    lower_on_windows(kernel32 := Kernel32())
    assert kernel32.priority_class == BELOW_NORMAL
