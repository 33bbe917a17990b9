"""Removes the words of deleted rows from the database's files.

`secure_delete` zeroes the cells of deleted rows, and that is not enough. The full-text index keeps deleted
words until its parts are merged. A page whose rows have moved to another one keeps stale copies of them
between its own. The write-ahead log has all that was ever written until it is truncated. So the index is
merged, the file is written again by VACUUM, and the log is truncated.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

#: While a truncation waits for readers, no process can write: so it waits briefly, and tries again.
LOOK_SECONDS = 0.25

Execute = Callable[[str], list[Any]]


def rewrite(execute: Execute) -> None:
    """Merge the full-text index and write the file again; needs room for a second copy."""
    execute("INSERT INTO segments_search (segments_search) VALUES ('optimize')")
    execute("VACUUM")


def truncate_log(
    execute: Execute, patience_seconds: float, sleep: Callable[[float], None] = time.sleep
) -> bool:
    """Truncate the write-ahead log; False if readers prevent it for too long."""
    deadline = time.monotonic() + patience_seconds
    while True:
        ((busy, *_),) = execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if not busy or time.monotonic() > deadline:
            return not busy
        sleep(LOOK_SECONDS)
