"""Works ahead on a stream: several items at once, results in order, and only a few items in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    items: Iterable[Item], work: Callable[[Item], Result], *, parallel: int
) -> Iterator[tuple[Item, Result]]:
    """Yield each item with its result of `work`, run in `parallel` threads. Raises what `work` raises.

    With 0 threads the caller's does the work, and each result comes before the next item is asked for.
    """
    if not parallel:
        for item in items:
            yield item, work(item)
        return
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    pool = ThreadPoolExecutor(parallel, thread_name_prefix="decoder")
    try:
        for item in items:
            waiting.append((item, pool.submit(work, item)))
            while waiting and (len(waiting) > parallel or waiting[0][1].done()):
                done, result = waiting.popleft()
                yield done, result.result()
        for done, result in waiting:
            yield done, result.result()
    finally:
        pool.shutdown(cancel_futures=True)
