"""The threads in which the server does what may take a while: the event loop itself never waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import ParamSpec, TypeVar

#: What is done soon; what may take long (a receiver, the capture worker, another process, a search); what
#: waits for recordings in a storage or at a server; and passwords, which are slow to hash on purpose.
QUICK, LONG, STORAGE, SIGN_IN = "desk", "desk-long", "desk-storage", "desk-sign-in"
#: Each thread has its own connection to the database. They are started when needed.
THREADS = {QUICK: 4, LONG: 3, STORAGE: 3, SIGN_IN: 2}

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def from_any_thread(act: Callable[Parameters, object]) -> Callable[Parameters, None]:
    """Return what calls something soon in this event loop, whichever thread calls it."""
    loop = asyncio.get_running_loop()

    def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(partial(act, *args, **kwargs))

    return call


class Work:
    """A few threads that stay, so that their connections to the database stay too.

    Each kind of work has threads of its own: however much of one kind waits, the others go on.
    """

    def __init__(self) -> None:
        self._pools = {
            kind: ThreadPoolExecutor(threads, thread_name_prefix=kind) for kind, threads in THREADS.items()
        }
        self._at_end: list[Callable[[], None]] = []

    async def run(
        self, do: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result:
        """Do something quick in a thread and return its result."""
        return await self.run_as(QUICK, do, *args, **kwargs)

    async def run_as(
        self, kind: str, do: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result:
        """Do something of another kind in a thread and return its result."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pools[kind], partial(do, *args, **kwargs))

    def at_end(self, act: Callable[[], None]) -> None:
        """Call something when the server begins to stop, such as to end an event stream."""
        self._at_end.append(act)

    def end(self) -> None:
        """Call what is to be called when the server begins to stop."""
        for act in self._at_end:
            act()

    def close(self) -> None:
        """Take nothing more, and wait for what is being done."""
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)
