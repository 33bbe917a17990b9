"""Lists of records that have some words, by the index of parts of words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any

from peewee import JOIN, SQL, Expression, Select, fn

from shared.store.list_order import Order, Stretch
from shared.store.listed import Asked, not_deleted
from shared.store.postgres.list_words import ListedRow
from shared.store.tables import RecordRow
from shared.store.transitions import COMPLETED, STATES

#: All but the state of most records.
_OTHERS = tuple(state for state in STATES if state != COMPLETED)
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
#: What the index has of a part of a word: three letters, or fewer with the beginning or the end of a word.
#: For what has none of it, the index would return everything; `IS TRUE` keeps a plan from the index.
_INDEXED = re.compile(r"[^\W_]{3}|[^\W_]{2}[\W_]|[\W_][^\W_]")
_COUNT = fn.COUNT(SQL("*"))


class IndexedList:
    """The records that were asked for by their words; `rows` reads what a query finds."""

    def __init__(self, rows: Callable[[Any], list[Any]], asked: Asked) -> None:
        self._rows, self._asked = rows, asked
        where = reduce(and_, (_has(spellings) for spellings in asked.words))
        if asked.owner_id is not None:
            where &= ListedRow.owner_id == asked.owner_id
        self._where = where & not_deleted(ListedRow.record_id, asked)

    def count(self) -> int:
        """Return their number."""
        status = self._asked.status
        if status == COMPLETED:
            return self.counts()[COMPLETED]
        query = ListedRow.select(_COUNT).where(self._where)
        if status is not None:
            query = _with_records(query, ListedRow).where(RecordRow.transcription_status == status)
        ((count,),) = self._rows(query)
        return int(count)

    def counts(self) -> dict[str, int]:
        """Return the number of those in each state.

        To look up the state of each takes three times as long as to find a word that all have. So only the
        states of the few that are not completed are looked up.
        """
        state = RecordRow.transcription_status
        others = RecordRow.select(RecordRow.id, state).where(state.in_(_OTHERS)).alias("others")
        counted = [_COUNT.filter(others.c.transcription_status == name) for name in _OTHERS]
        query = ListedRow.select(_COUNT, *counted).where(self._where)
        query = query.join(others, JOIN.LEFT_OUTER, on=(others.c.id == ListedRow.record_id))
        ((total, *found),) = self._rows(query)
        numbers = dict(zip(_OTHERS, found, strict=True))
        return {name: numbers.get(name, total - sum(found)) for name in STATES}

    def ids(self, order: Order, stretch: Stretch | None = None) -> list[int]:
        """Return their numbers in an order.

        All are found first (OFFSET keeps that apart), then sorted: a plan that walks through the records in
        their order may look at all of them before it finds the first one.
        """
        is_backwards = stretch is not None and stretch.is_late
        found = ListedRow.select(ListedRow.record_id, ListedRow.created_at).where(self._where).offset(0)
        found = found.alias("found")
        query = Select([found], [found.c.record_id])
        if self._asked.status is not None or order.name != "created_at":
            query = _with_records(query, found.c)
            query = query.order_by(*order.columns(is_backwards=is_backwards))
        else:
            own = (found.c.created_at, found.c.record_id)
            query = query.order_by(*order.over(own, is_backwards=is_backwards))
        if self._asked.status is not None:
            query = query.where(RecordRow.transcription_status == self._asked.status)
        return [number for (number,) in self._rows(stretch.of(query) if stretch else query)]


def _with_records(query: Any, found: Any) -> Any:
    return query.join(RecordRow, on=(RecordRow.id == found.record_id))


def _has(spellings: Sequence[str]) -> Any:
    """Whether a record has a word, in one of its spellings."""
    patterns = sorted({_pattern(it) for it in spellings})
    found = reduce(or_, (ListedRow.words.like(pattern) for pattern in patterns))
    return found if all(_INDEXED.search(it) for it in spellings) else Expression(found, "IS", SQL("TRUE"))


def _pattern(word: str) -> str:
    for sign in "\\%_":
        word = word.replace(sign, f"\\{sign}")
    return f"%{word.translate(_ASCII_LOWER)}%"
