"""Texts that persons are typing: one for a passage, until it is stored or dropped."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from shared.store.database import Database
from shared.store.tables import DraftRow
from shared.store.values import sound


@dataclass(frozen=True)
class Draft:
    """A text for the passage that began with a word; `base` is the version of it that was changed."""

    first_word: int
    base: str
    text: str
    made_at: float


class Drafts:
    """The drafts of one database."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def of_record(self, record_id: int) -> tuple[Draft, ...]:
        """Return the drafts of a record by their words."""
        query = DraftRow.select().where(DraftRow.record == record_id).order_by(DraftRow.first_word)
        return sound(Draft, self._database.all(query))

    def put(self, record_id: int, first_word: int, base: str, text: str) -> None:
        """Keep a text in the place of an earlier one for the same passage."""
        draft = Draft(first_word, base, text, self._clock())
        query = DraftRow.insert(record=record_id, **asdict(draft))
        key = [DraftRow.record, DraftRow.first_word]
        self._database.run(query.on_conflict(conflict_target=key, update=asdict(draft)))

    def drop(self, record_id: int, first_word: int) -> None:
        """Drop the text for a passage, if there is one."""
        mine = (DraftRow.record == record_id) & (DraftRow.first_word == first_word)
        self._database.run(DraftRow.delete().where(mine))
