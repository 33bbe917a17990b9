"""The end of a Windows console, over a stand-in for the system's own function."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from shared.console import CLOSE, LOGOFF, SHUTDOWN, on_end

CTRL_C = 0


class Kernel32:
    """Takes a handler as Windows does, and calls it in a thread of its own as Windows does."""

    def __init__(self) -> None:
        self.handler: Any = None

    def SetConsoleCtrlHandler(self, handler: Any, add: int) -> int:  # noqa: N802 (Windows' own name)
        assert add == 1
        self.handler = handler
        return 1

    def end(self, event: int) -> list[int]:
        """Raise a control event; the list has the handler's answer once it has returned."""
        answers: list[int] = []
        threading.Thread(target=lambda: answers.append(self.handler(event)), daemon=True).start()
        return answers


@pytest.mark.parametrize("event", [CLOSE, LOGOFF, SHUTDOWN])
def test_a_console_that_ends_lets_the_process_finish_first(event: int) -> None:
    kernel32, finished, noted = Kernel32(), threading.Event(), threading.Event()
    kept = on_end(noted.set, finished, kernel32)
    answers = kernel32.end(event)
    assert noted.wait(5)
    time.sleep(0.05)
    assert answers == []  # returning would end the process in the middle of its work
    finished.set()
    deadline = time.monotonic() + 5
    while not answers and time.monotonic() < deadline:
        time.sleep(0.01)
    assert answers == [1]
    assert kept is kernel32.handler


def test_ctrl_c_is_left_to_python() -> None:
    kernel32, noted = Kernel32(), threading.Event()
    kept = on_end(noted.set, threading.Event(), kernel32)
    assert kernel32.handler(CTRL_C) == 0
    assert not noted.is_set()
    assert kept
