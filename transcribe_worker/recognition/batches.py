"""Cuts what is to be decoded into batches, and into smaller ones from when memory runs out."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
#: Makes room after an error in a batch of so many; returns how many to try now, or raises the error.
Relief = Callable[[Exception, int], int]


def _none(error: Exception, _: int) -> int:
    raise error


class Batches:
    """How many windows are decoded at a time, in all lanes alike."""

    def __init__(self, size: int, relief: Relief = _none) -> None:
        self.size, self._relief = size, relief
        self._reliefs = 0
        self._lock = threading.Lock()

    def run(
        self, items: Sequence[Item], work: Callable[[Sequence[Item]], Sequence[Result]]
    ) -> Iterator[Result]:
        """What `work` makes of all items; a batch for which there is no room is worked through anew."""
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
        traceback.clear_frames(error.__traceback__)  # they keep what is to be freed
        with self._lock:
            if self._reliefs == reliefs:  # else another lane has, meanwhile
                self.size = self._relief(error, size)
                self._reliefs += 1
