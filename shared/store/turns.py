"""Whose turn it is: which of the queued records a machine takes next.

The most urgent come first. Among equals it is the turn of the person of whom the fewest recordings are being
transcribed, then of the one whose recording was queued first. What belongs to nobody counts as one person's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from peewee import Expression, Select, fn

from shared.store.database import Database
from shared.store.records import is_due, matching
from shared.store.tables import RecordRow
from shared.store.transitions import PROCESSING, QUEUED
from shared.store.values import Record


@dataclass(frozen=True)
class Taker:
    """What a machine takes. A model is named as records ask for it; None is the default one.

    It lacks the models in `missing`. What asks for one in `left` it leaves to faster machines for
    `left_seconds` after it was added.
    """

    missing: Collection[str | None] = ()
    left: Collection[str | None] = ()
    left_seconds: float = 0.0


@dataclass(frozen=True)
class Turn:
    """A person, None for nobody, with a record that can be taken; how urgent the most urgent one is."""

    owner_id: int | None
    priority: int


class Turns:
    """The turns in the queue of one database."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def due(self, taker: Taker, limit: int, *, begun_only: bool = False) -> list[Record]:
        """Return what a machine can take, of whomever it is, the most urgent first."""
        where = self._can_be_taken(taker)
        if begun_only:
            where &= RecordRow.started_at.is_null(False)
        return matching(self._database, where, *_BY_URGENCY, limit=limit)

    def takeable(self, taker: Taker, record_id: int) -> Record | None:
        """Return a record if a machine can take it now."""
        where = (RecordRow.id == record_id) & self._can_be_taken(taker)
        return next(iter(matching(self._database, where, limit=1)), None)

    def of(self, owner_id: int | None, taker: Taker, limit: int) -> list[Record]:
        """Return what a machine can take of a person's, the most urgent first."""
        where = _belongs(owner_id) & self._can_be_taken(taker)
        return matching(self._database, where, *_BY_URGENCY, limit=limit)

    def order(self, taker: Taker) -> list[Turn]:
        """Return the people with something that a machine can take, the one whose turn it is first."""
        nobodys = self.of(None, taker, 1)
        heads = [*self._heads(taker), *(_Head(it.id, None, it.priority) for it in nobodys)]
        if len(heads) > 1:
            busy = self._busy()
            heads.sort(key=lambda it: (-it.priority, busy.get(it.owner_id, 0), it.record_id))
        return [Turn(it.owner_id, it.priority) for it in heads]

    def _heads(self, taker: Taker) -> list[_Head]:
        """Return the most urgent record of each person.

        The query goes from one person to the next, so that its time grows with the people who wait, and not
        with their records.
        """
        owner = RecordRow.owner_id
        first = RecordRow.select(fn.MIN(owner)).where(_QUEUED & owner.is_null(False))
        people = first.cte("waiting_people", recursive=True, columns=("owner_id",))
        after = RecordRow.select(fn.MIN(owner)).where(_QUEUED & (owner > people.c.owner_id))
        people = people.union_all(Select([people], [after]).where(people.c.owner_id.is_null(False)))
        head = RecordRow.select(RecordRow.id).where((owner == people.c.owner_id) & self._can_be_taken(taker))
        heads = Select([people], [head.order_by(*_BY_URGENCY).limit(1).alias("head")]).with_cte(people)
        ids = [it for it in self._database.column(heads) if it is not None]
        query = RecordRow.select(RecordRow.id, owner, RecordRow.priority).where(RecordRow.id.in_(ids))
        rows = self._database.all(query) if ids else []
        return [_Head(row["id"], row["owner_id"], row["priority"]) for row in rows]

    def _busy(self) -> dict[int | None, int]:
        """Return how many recordings of each person are being transcribed."""
        query = RecordRow.select(RecordRow.owner_id, fn.COUNT(RecordRow.id).alias("count"))
        query = query.where(RecordRow.transcription_status == PROCESSING).group_by(RecordRow.owner_id)
        return {row["owner_id"]: int(row["count"]) for row in self._database.all(query)}

    def _can_be_taken(self, taker: Taker) -> Expression:
        now = self._clock()
        asked_for = fn.COALESCE(RecordRow.model, "")
        where = _QUEUED & is_due(now)
        where &= asked_for.not_in(_names(taker.missing))
        if taker.left and taker.left_seconds:
            where &= asked_for.not_in(_names(taker.left)) | (RecordRow.created_at <= now - taker.left_seconds)
        return where


@dataclass(frozen=True)
class _Head:
    """The most urgent record of a person."""

    record_id: int
    owner_id: int | None
    priority: int


_QUEUED = RecordRow.transcription_status == QUEUED
_BY_URGENCY = (RecordRow.priority.desc(), RecordRow.id)


def _belongs(owner_id: int | None) -> Any:
    return RecordRow.owner_id.is_null() if owner_id is None else RecordRow.owner_id == owner_id


def _names(models: Collection[str | None]) -> list[str]:
    return [model or "" for model in models]
