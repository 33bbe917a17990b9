"""Waits for what another process or thread does: looks again, with a deadline, and never just sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(is_so: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Look again and again until something is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.03)
