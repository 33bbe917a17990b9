"""The orders of a list of records, and a part of a list in one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.errors import OffhookError
from shared.store.tables import RecordRow

#: What records are sorted by: texts without regard to case, and what has no value comes last.
SORTS: dict[str, tuple[Any, ...]] = {
    "created_at": (RecordRow.created_at,),
    "title": (RecordRow.title.collate("NOCASE"),),
    "duration": (RecordRow.duration_seconds,),
    "status": (RecordRow.transcription_status,),
    "candidate": (RecordRow.candidate_id.collate("NOCASE"),),
    "priority": (RecordRow.priority,),
}
_NULLABLE = {"duration": RecordRow.duration_seconds, "candidate": RecordRow.candidate_id}


class UnknownSort(OffhookError):
    """Records cannot be sorted by that."""

    code = "unknown_sort"


@dataclass(frozen=True)
class Stretch:
    """The records on a page, among `total` ones."""

    offset: int
    limit: int
    total: int

    @property
    def from_end(self) -> int:
        """How many records come after the page."""
        return self.total - self.offset - self.limit

    @property
    def is_late(self) -> bool:
        """Whether the page is in the second half, where it is counted from the end."""
        return self.from_end < self.offset

    def of(self, query: Any) -> Any:
        """Return the part of a query that is the page; one that is late is asked for backwards."""
        return query.limit(self.limit).offset(self.from_end if self.is_late else self.offset)


@dataclass(frozen=True)
class Order:
    """An order of records; those that are equal in it come by their numbers."""

    name: str
    is_downwards: bool

    @classmethod
    def named(cls, sort: str) -> Order:
        """Return an order by its name in SORTS, with `-` before it downwards. Raises UnknownSort."""
        name = sort.removeprefix("-")
        if name not in SORTS:
            raise UnknownSort(f"Records cannot be sorted by {name}. They can be by {', '.join(SORTS)}.")
        return cls(name, sort.startswith("-"))

    def columns(self, *, is_backwards: bool = False) -> list[Any]:
        """Return what a query of records is ordered by."""
        columns = self.over((*SORTS[self.name], RecordRow.id), is_backwards=is_backwards)
        if self.name not in _NULLABLE:
            return columns
        without = _NULLABLE[self.name].is_null()
        return [without.desc() if is_backwards else without.asc(), *columns]

    def over(self, columns: tuple[Any, ...], *, is_backwards: bool = False) -> list[Any]:
        """Return the order over other columns that have the same values."""
        is_down = self.is_downwards != is_backwards
        return [column.desc() if is_down else column.asc() for column in columns]
