"""Lists of records that have some words, by the index of parts of words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any

from peewee import SQL, Select, fn

from shared.store.list_order import Order, Stretch
from shared.store.listed import Asked, not_deleted
from shared.store.postgres.list_words import OUTCOMES, ListedRow
from shared.store.tables import RecordRow
from shared.store.transitions import COMPLETED, PROCESSING, QUEUED, STATES

_WAITING = (QUEUED, PROCESSING)
#: The state of each of so many records is looked up; otherwise the words of all that wait are looked for.
_FEW = 50_000
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
#: What the index has of a part of a word: three letters, or fewer with the beginning or the end of a word.
_INDEXED = re.compile(r"[^\W_]{3}|[^\W_]{2}[\W_]|[\W_][^\W_]")
_COUNT = fn.COUNT(SQL("*"))


class IndexedList:
    """The records that were asked for by their words; `rows` reads what a query finds."""

    def __init__(self, rows: Callable[[Any], list[Any]], asked: Asked) -> None:
        self._rows, self._asked = rows, asked
        self._is_indexed = any(_is_indexed(spellings) for spellings in asked.words)
        where = reduce(and_, (_has(spellings) for spellings in asked.words))
        if asked.owner_id is not None:
            where &= ListedRow.owner_id == asked.owner_id
        self._where = where & not_deleted(ListedRow.record_id, asked)

    def count(self) -> int:
        """Return their number."""
        if self._asked.status is not None:
            return self.counts().get(self._asked.status, 0)
        ((number,),) = self._rows(ListedRow.select(_COUNT).where(self._where))
        return int(number)

    def counts(self) -> dict[str, int]:
        """Return the number of those in each state.

        To look up the state of each would take far longer than to find its words.
        """
        ended = (_COUNT.filter(ListedRow.outcome == outcome) for outcome in OUTCOMES)
        ((total, *found),) = self._rows(ListedRow.select(_COUNT, *ended).where(self._where))
        counted = dict(zip(OUTCOMES, found, strict=True)) | self._waiting(total - sum(found))
        completed = max(0, total - sum(counted.values()))  # some may have changed meanwhile
        return dict.fromkeys(STATES, 0) | counted | {COMPLETED: completed}

    def ids(self, order: Order, stretch: Stretch | None = None) -> list[int]:
        """Return their numbers in an order.

        All are found first, then sorted: a plan that walks through the records in their order may look at all
        of them before it finds the first one.
        """
        is_backwards = stretch is not None and stretch.is_late
        found, status = self._found(), self._asked.status
        if status in OUTCOMES:
            found, status = found.where(ListedRow.outcome == status), None
        found = found.alias("found")
        query = Select([found], [found.c.record_id])
        if status is None and order.name == "created_at":
            by = order.over((found.c.created_at, found.c.record_id), is_backwards=is_backwards)
        else:
            query = query.join(RecordRow, on=(RecordRow.id == found.c.record_id))
            by = order.columns(is_backwards=is_backwards)
        if status is not None:
            query = query.where(RecordRow.transcription_status == status)
        query = query.order_by(*by)
        return [number for (number,) in self._rows(stretch.of(query) if stretch else query)]

    def _waiting(self, among: int) -> dict[str, int]:
        """Return the number of those that wait for a worker, or have one."""
        state = RecordRow.transcription_status
        if not among:
            return {}
        if among <= _FEW and self._is_indexed:
            has_words: Any = RecordRow.id.in_(self._found().select(ListedRow.record_id))
        else:
            has_words = fn.EXISTS(self._found().where(ListedRow.record_id == RecordRow.id))
        query = RecordRow.select(state, _COUNT).where(state.in_(_WAITING) & has_words)
        return dict(self._rows(query.group_by(state)))

    def _found(self) -> Any:
        """Return a query of what is found; OFFSET keeps its plan apart from that of the query around it."""
        query = ListedRow.select(ListedRow.record_id, ListedRow.created_at)
        return query.where(self._where).offset(SQL("0"))


def _has(spellings: Sequence[str]) -> Any:
    """Whether a record has a word, in one of its spellings.

    Where the index would return everything, bytes are compared. That takes less time, and no index knows it.
    """
    words, patterns = ListedRow.words, sorted({_pattern(it) for it in spellings})
    if _is_indexed(spellings):
        return reduce(or_, (words.like(pattern) for pattern in patterns))
    return reduce(or_, (fn.textsend(words).like(pattern.encode()) for pattern in patterns))


def _is_indexed(spellings: Sequence[str]) -> bool:
    return all(_INDEXED.search(it) for it in spellings)


def _pattern(word: str) -> str:
    word = word.replace("\0", "\ufffd")  # as the text is stored
    for sign in "\\%_":
        word = word.replace(sign, f"\\{sign}")
    return f"%{word.translate(_ASCII_LOWER)}%"
