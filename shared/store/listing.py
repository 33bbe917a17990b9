"""Pages of records as a person looks through them: by state, by what is typed, in any order.

Records that a person has deleted are left out, those whose deletion can still be undone too.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any

from peewee import SQL, Expression, fn

from shared.errors import OffhookError
from shared.store.database import Database
from shared.store.records import matching
from shared.store.tables import DeletionRow, ErasureRow, RecordRow
from shared.store.transitions import STATES
from shared.store.values import Record
from shared.store.view import EVERYBODY, View, seen

#: Words of a search that are looked at; nobody types more.
MOST_WORDS = 20
#: With more records that are being deleted, their tables are asked.
FEW = 1000
#: What records are sorted by: texts without regard to case, and what has no value comes last.
SORTS: dict[str, tuple[Any, ...]] = {
    "created_at": (RecordRow.created_at,),
    "title": (RecordRow.title.collate("NOCASE"),),
    "duration": (RecordRow.duration_seconds,),
    "status": (RecordRow.transcription_status,),
    "candidate": (RecordRow.candidate_id.collate("NOCASE"),),
    "priority": (RecordRow.priority,),
}
_SHOWN = (
    RecordRow.title,
    RecordRow.candidate_id,
    RecordRow.project_id,
    RecordRow.transcription_error,
    RecordRow.recording_path,
)
_NULLABLE = {"duration": RecordRow.duration_seconds, "candidate": RecordRow.candidate_id}


class UnknownSort(OffhookError):
    """Records cannot be sorted by that."""

    code = "unknown_sort"


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


@dataclass(frozen=True)
class _Stretch:
    """The records on a page, among `total` ones."""

    offset: int
    limit: int
    total: int


class Listing:
    """The records of one database that `view` has, page by page."""

    def __init__(self, database: Database, view: View = EVERYBODY) -> None:
        self._database, self._view = database, view

    def page(self, wanted: Wanted, *, sort: str = "-created_at", offset: int = 0, limit: int = 100) -> Page:
        """Return a page of records. `sort` is one of SORTS, with `-` before it downwards; equal ones by id.

        Raises UnknownSort.
        """
        order, where = _order(sort), self._where(wanted)
        total = int(self._database.scalar(RecordRow.select(fn.COUNT(SQL("*"))).where(where)))
        ids = self._ids(where, sort, _Stretch(max(0, offset), max(0, min(limit, total - offset)), total))
        return Page(matching(self._database, RecordRow.id.in_(ids), *order), total)

    def _ids(self, where: Expression, sort: str, stretch: _Stretch) -> list[int]:
        """Return the numbers on a page; in the second half they are counted from the end."""
        from_end = stretch.total - stretch.offset - stretch.limit
        is_late = from_end < stretch.offset
        query = RecordRow.select(RecordRow.id).where(where).order_by(*_order(sort, is_backwards=is_late))
        return self._database.column(
            query.limit(stretch.limit).offset(from_end if is_late else stretch.offset)
        )

    def ids(self, wanted: Wanted, sort: str = "-created_at") -> list[int]:
        """Return the numbers of all wanted records in their order. Raises UnknownSort."""
        query = RecordRow.select(RecordRow.id).where(self._where(wanted)).order_by(*_order(sort))
        return self._database.column(query)

    def counts(self, text: str = "") -> dict[str, int]:
        """Return the number of records in each state in which the words are found."""
        state = RecordRow.transcription_status
        query = RecordRow.select(state, fn.COUNT(SQL("*")).alias("count")).where(
            self._where(Wanted(text=text))
        )
        rows = self._database.all(query.group_by(state))
        counted = {row["transcription_status"]: row["count"] for row in rows}
        return {name: counted.get(name, 0) for name in STATES}

    def _where(self, wanted: Wanted) -> Expression:
        """Return a condition on the wanted records."""
        where = self._is_listed()
        if wanted.status is not None:
            where &= RecordRow.transcription_status == wanted.status
        words = wanted.text.split()[:MOST_WORDS]
        return seen(self._view, reduce(and_, (_has(self._database, word) for word in words), where))

    def _is_listed(self) -> Any:  # an Expression, or SQL, which peewee takes for one
        """Whether no person has deleted a record. There are few that are being deleted, if any.

        A million records are counted faster against their numbers than against their tables.
        """
        queries = [each.select(key) for each, key in _DELETED]
        found = [number for query in queries for number in self._database.column(query.limit(FEW + 1))]
        if len(found) > FEW:
            return reduce(and_, (RecordRow.id.not_in(query) for query in queries))
        return RecordRow.id.not_in(found) if found else SQL("TRUE")


_DELETED: Collection[Any] = ((DeletionRow, DeletionRow.record), (ErasureRow, ErasureRow.record_id))


def _has(database: Database, word: str) -> Expression:
    """Whether a word stands somewhere in what a list shows of a record."""
    spellings = sorted(_spellings(word))
    found: Expression = reduce(
        or_, (_contains(database, column, it) for column in _SHOWN for it in spellings)
    )
    return found


def _contains(database: Database, column: Any, word: str) -> Any:
    if column is not RecordRow.recording_path:
        return column.contains(word)
    # The name is slow to find, so the whole path is looked at first.
    return column.contains(word) & database.file_name(column).contains(word)


def _spellings(word: str) -> set[str]:
    """Return a word in the cases that people write: databases equate the case of ASCII alone."""
    return {word} if word.isascii() else {word, word.lower(), word.upper(), word.capitalize()}


def _order(sort: str, *, is_backwards: bool = False) -> list[Any]:
    name, downwards = sort.removeprefix("-"), sort.startswith("-")
    if name not in SORTS:
        raise UnknownSort(f"Records cannot be sorted by {name}. They can be by {', '.join(SORTS)}.")
    columns = [(column, downwards) for column in (*SORTS[name], RecordRow.id)]
    without_last = [(_NULLABLE[name].is_null(), False)] if name in _NULLABLE else []
    return [
        column.desc() if is_down != is_backwards else column.asc()
        for column, is_down in (*without_last, *columns)
    ]
