"""Ends the process that calls it, by SIGKILL, before a statement of its choice."""

from __future__ import annotations

import os
import signal
from typing import Any

from shared.store.sqlite.database import SqliteDatabase


def die_before_statement(left: int) -> None:
    """Let this process die before its next statement that writes, or `left` of them later."""
    run = SqliteDatabase.run

    def dying(self: SqliteDatabase, query: Any) -> int:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return run(self, query)

    SqliteDatabase.run = dying  # type: ignore[method-assign]
