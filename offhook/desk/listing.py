"""The recordings as lists and events show them: a row for each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from archive.names import known
from archive.passages import name_of
from offhook.desk.desk import Desk
from offhook.desk.remedies import remedy
from offhook.desk.team_server import places
from offhook.desk.views import record_view, seconds_left
from shared.speakers import known_in_order
from shared.store.listing import Wanted
from shared.store.values import Record
from shared.times import iso


@dataclass(frozen=True)
class Listed:
    """A page of rows.

    `total` is the number of all that are wanted, `counts` that of each state whichever one is wanted. `seq`
    is the number of the last change that the rows may lack: events after it bring them up to date.
    """

    records: list[dict[str, Any]]
    total: int
    counts: dict[str, int]
    seq: int


def listed(
    desk: Desk, wanted: Wanted, *, sort: str = "-created_at", offset: int = 0, limit: int = 100
) -> Listed:
    """Return a page of recordings. Raises UnknownSort."""
    seq = desk.store.changes.latest()  # first: a change that is seen twice does no harm
    page = desk.store.listing.page(wanted, sort=sort, offset=offset, limit=limit)
    return Listed(rows(desk, page.records), page.total, desk.store.listing.counts(wanted.text), seq)


@dataclass(frozen=True)
class Order:
    """The numbers of all wanted recordings, and the first rows; the rest as in `Listed`."""

    ids: list[int]
    records: list[dict[str, Any]]
    counts: dict[str, int]
    seq: int


def order(desk: Desk, wanted: Wanted, sort: str = "-created_at", first: int = 0) -> Order:
    """Return all wanted recordings in their order, the `first` ones with their rows. Raises UnknownSort."""
    seq = desk.store.changes.latest()
    ids = desk.store.listing.ids(wanted, sort)
    shown = list(rows_of(desk, ids[:first]).values())
    return Order(ids, shown, desk.store.listing.counts(wanted.text), seq)


def row_of(desk: Desk, record_id: int) -> dict[str, Any]:
    """Return the row of a recording. Raises RecordNotFound."""
    return rows(desk, [desk.store.records.get(record_id)])[0]


def rows_of(desk: Desk, record_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Return the rows of recordings by number, those that there are and that are not being deleted."""
    erased = set(desk.store.erasures.marked())
    records = [it for it in desk.store.records.some(record_ids) if it.id not in erased]
    return {row["id"]: row for row in rows(desk, records)}


def rows(desk: Desk, records: Sequence[Record]) -> list[dict[str, Any]]:
    """Describe recordings for a list: as for programs, with what a person looks for there."""
    ids = [record.id for record in records]
    speakers, given = desk.store.overlays.speakers_of(ids), desk.store.overlays.names_of(ids)
    due_at, there = desk.store.deletions.due_at(ids), places(desk, records)
    return [
        {
            **record_view(record, desk.settings),
            "speakers": _names(speakers[record.id], known(record, desk.settings.my_name) | given[record.id]),
            "seconds_left": seconds_left(record),
            "remedy": remedy(record),
            "where": there.get(record.id),
            "deletion_due_at": iso(due_at.get(record.id)),
        }
        for record in records
    ]


def _names(speakers: Collection[str], names: dict[str, str]) -> list[str]:
    """Return how speakers are called, oneself first; two of one name are one person."""
    return list(dict.fromkeys(name_of(speaker, names) for speaker in known_in_order(speakers)))
