"""Ends the process that calls it, by SIGKILL, before a statement of its choice."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

from shared.store.sqlite.database import SqliteDatabase


def die_before_statement(left: int, thread: str | None = None) -> None:
    """Let this process die before its next statement that writes, or `left` of them later.

    With `thread`, the statements of the threads of this name alone are counted.
    """
    run = SqliteDatabase.run

    def dying(self: SqliteDatabase, query: Any) -> int:
        nonlocal left
        if thread not in (None, threading.current_thread().name):
            return run(self, query)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return run(self, query)

    SqliteDatabase.run = dying  # type: ignore[method-assign]


def die_before_request(left: int) -> None:
    """Let this process die before its next request to a team's server, or `left` of them later."""
    from outbox_worker.client import Server

    ask = Server._ask

    async def dying(self: Server, *given: Any, **more: Any) -> Any:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return await ask(self, *given, **more)

    Server._ask = dying  # type: ignore[method-assign]
