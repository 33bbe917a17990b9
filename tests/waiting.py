"""Waits for what another process or thread does: looks again, with a deadline, and never just sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def until(found: Callable[[], Found], what: str, seconds: float = 30.0) -> Found:
    """Look again and again until something is found, and return it."""
    deadline = time.monotonic() + seconds
    while not (it := found()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.03)
    return it
