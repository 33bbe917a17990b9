"""The threads in which the server does what may take a while: the event loop itself never waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import ParamSpec, TypeVar

#: Each thread has its own connection to the database.
THREADS = 4
#: For what may take long: a receiver, the capture worker, another process, a search. Started when needed.
LONG_THREADS = 3

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

    What may take long has threads of its own: however much of it waits, the rest goes on.
    """

    def __init__(self, threads: int = THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="desk")
        self._long = ThreadPoolExecutor(LONG_THREADS, thread_name_prefix="desk-long")
        self._at_end: list[Callable[[], None]] = []

    async def run(
        self, do: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result:
        """Do something in a thread and return its result."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, partial(do, *args, **kwargs))

    async def run_long(
        self, do: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result:
        """Do something that may take long in a thread and return its result."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._long, partial(do, *args, **kwargs))

    def at_end(self, act: Callable[[], None]) -> None:
        """Call something when the server begins to stop, such as to end an event stream."""
        self._at_end.append(act)

    def end(self) -> None:
        """Call what is to be called when the server begins to stop."""
        for act in self._at_end:
            act()

    def close(self) -> None:
        """Take nothing more, and wait for what is being done."""
        for pool in (self._pool, self._long):
            pool.shutdown(cancel_futures=True)
