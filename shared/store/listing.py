"""Pages of records as a person looks through them: by state, by what is typed, in any order.

Records that a person has deleted are left out, those whose deletion can still be undone too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any

from peewee import SQL, Expression, Select, fn

from shared.store.database import Database
from shared.store.list_order import SORTS, Order, Stretch, UnknownSort
from shared.store.listed import DELETED, Asked, Listed, not_deleted
from shared.store.records import count_by_state, matching
from shared.store.tables import RecordRow
from shared.store.transitions import COMPLETED
from shared.store.values import Record
from shared.store.view import EVERYBODY, View, seen

__all__ = ["SORTS", "Listing", "Page", "UnknownSort", "Wanted"]

#: Words of a search that are looked at; nobody types more.
MOST_WORDS = 20
#: With more records that are being deleted, their tables are asked.
FEW = 1000
#: So many records of a state or a person are looked at one by one, whatever the words.
FEW_TO_LOOK_AT = 40_000
#: More records that have the words are walked through in their order; fewer are all found, then sorted.
FEW_FOUND = 50_000
_SHOWN = (
    RecordRow.title,
    RecordRow.candidate_id,
    RecordRow.project_id,
    RecordRow.transcription_error,
    RecordRow.recording_path,
)


@dataclass(frozen=True)
class Wanted:
    """What a person wants to see: a state (None: any), and words that are each found in some column."""

    status: str | None = None
    text: str = ""


@dataclass(frozen=True)
class Page:
    """Some of the wanted records in their order, and how many there are in all."""

    records: list[Record]
    total: int


class Listing:
    """The records of one database that `view` has, page by page."""

    def __init__(self, database: Database, view: View = EVERYBODY) -> None:
        self._database, self._view = database, view

    def page(self, wanted: Wanted, *, sort: str = "-created_at", offset: int = 0, limit: int = 100) -> Page:
        """Return a page of records. `sort` is one of SORTS, with `-` before it downwards; equal ones by id.

        Raises UnknownSort.
        """
        order, asked = Order.named(sort), self._asked(wanted)
        listed = self._listed(asked)
        total = listed.count()
        offset = max(0, min(offset, total))  # the list may have become shorter
        stretch = Stretch(offset, max(0, min(limit, total - offset)), total)
        if total > FEW_FOUND:
            listed = _Walked(self._database, asked)
        ids = listed.ids(order, stretch)
        return Page(matching(self._database, RecordRow.id.in_(ids), *order.columns()), total)

    def ids(self, wanted: Wanted, sort: str = "-created_at") -> list[int]:
        """Return the numbers of all wanted records in their order. Raises UnknownSort."""
        order = Order.named(sort)
        return self._listed(self._asked(wanted)).ids(order)

    def counts(self, text: str = "") -> dict[str, int]:
        """Return the number of records in each state in which the words are found."""
        return self._listed(self._asked(Wanted(text=text))).counts()

    def _asked(self, wanted: Wanted) -> Asked:
        words = wanted.text.split()[:MOST_WORDS]
        found = [number for query in DELETED for number in self._database.column(query.limit(FEW + 1))]
        deleted = found if len(found) <= FEW else None
        return Asked(wanted.status, [_spellings(word) for word in words], self._view.owner_id, deleted)

    def _listed(self, asked: Asked) -> Listed:
        indexed = self._database.listed(asked) if asked.words else None
        if indexed is None or self._are_few(asked):
            return _Walked(self._database, asked)
        return indexed

    def _are_few(self, asked: Asked) -> bool:
        """Whether so few records have the state and the person that no index of words is needed.

        Most records are completed, so these are not counted.
        """
        by_state = asked.status not in (None, COMPLETED)
        if not by_state and asked.owner_id is None:
            return False
        where: Any = RecordRow.transcription_status == asked.status if by_state else SQL("TRUE")
        some = RecordRow.select(SQL("1")).where(seen(self._view, where)).limit(FEW_TO_LOOK_AT + 1)
        return int(self._database.scalar(Select([some], [fn.COUNT(SQL("*"))]))) <= FEW_TO_LOOK_AT


class _Walked:
    """Records that are found by looking at one after another."""

    def __init__(self, database: Database, asked: Asked) -> None:
        self._database = database
        where = not_deleted(RecordRow.id, asked)
        if asked.status is not None:
            where &= RecordRow.transcription_status == asked.status
        where = reduce(and_, (_has(database, spellings) for spellings in asked.words), where)
        self._where = seen(View(owner_id=asked.owner_id), where)

    def count(self) -> int:
        """Return their number."""
        return int(self._database.scalar(RecordRow.select(fn.COUNT(SQL("*"))).where(self._where)))

    def counts(self) -> dict[str, int]:
        """Return the number of those in each state."""
        return count_by_state(self._database, self._where)

    def ids(self, order: Order, stretch: Stretch | None = None) -> list[int]:
        """Return their numbers in an order."""
        is_backwards = stretch is not None and stretch.is_late
        query = RecordRow.select(RecordRow.id).where(self._where)
        query = query.order_by(*order.columns(is_backwards=is_backwards))
        return self._database.column(stretch.of(query) if stretch else query)


def _has(database: Database, spellings: Any) -> Expression:
    """Whether a word stands somewhere in what a list shows of a record."""
    found: Expression = reduce(
        or_, (_contains(database, column, it) for column in _SHOWN for it in spellings)
    )
    return found


def _contains(database: Database, column: Any, word: str) -> Any:
    if column is not RecordRow.recording_path:
        return column.contains(word)
    # The name is slow to find, so the whole path is looked at first.
    return column.contains(word) & database.file_name(column).contains(word)


def _spellings(word: str) -> list[str]:
    """Return a word in the cases that people write: databases equate the case of ASCII alone."""
    return [word] if word.isascii() else sorted({word, word.lower(), word.upper(), word.capitalize()})
