"""Cuts work into batches, and into smaller ones after memory has run out."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
#: Makes room after an error in a batch of that size; returns the size to try now, or raises the error.
Relief = Callable[[Exception, int], int]


def _none(error: Exception, _: int) -> int:
    raise error


class Batches:
    """The number of windows decoded together, the same in all lanes."""

    def __init__(self, size: int, relief: Relief = _none) -> None:
        self.size, self._relief = size, relief
        self._reliefs = 0
        self._lock = threading.Lock()

    def run(
        self, items: Sequence[Item], work: Callable[[Sequence[Item]], Sequence[Result]]
    ) -> Iterator[Result]:
        """Yield the results of `work` for all items; a batch without room is repeated in smaller ones."""
        first = 0
        while first < len(items):
            reliefs = self._reliefs
            batch = items[first : first + self.size]
            try:
                results = work(batch)
            except Exception as error:
                self._make_room(error, len(batch), reliefs)
                continue
            first += len(batch)
            yield from results

    def _make_room(self, error: Exception, size: int, reliefs: int) -> None:
        traceback.clear_frames(error.__traceback__)  # they reference memory that must be freed
        with self._lock:
            if self._reliefs == reliefs:  # else another lane has made room meanwhile
                self.size = self._relief(error, size)
                self._reliefs += 1
