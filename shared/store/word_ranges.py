"""Ranges of words, and the overlays that have a word of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from shared.store.database import Row


@dataclass(frozen=True)
class Words:
    """Some words of a record, both ends included."""

    record_id: int
    first_word: int
    last_word: int

    def are_in(self, row: Row) -> bool:
        """Whether some of them are in an overlay."""
        first, last = row["first_word"], row["last_word"]
        is_mine = row["record"] == self.record_id and type(first) is type(last) is int
        return is_mine and first <= self.last_word and last >= self.first_word


def overlap_any(table: Any, wanted: Iterable[Words]) -> Any:
    """The condition that an overlay in a table has one of the words of several ranges."""
    return reduce(or_, (overlaps(table, it) for it in wanted))


def overlaps(table: Any, words: Words) -> Any:
    """The condition that an overlay in a table has one of the words."""
    mine = table.record == words.record_id
    return mine & (table.first_word <= words.last_word) & (table.last_word >= words.first_word)
