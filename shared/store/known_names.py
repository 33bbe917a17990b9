"""The names of speakers in all records, by which a person looks for them or calls others."""

from __future__ import annotations

from typing import Any

from peewee import SQL, fn

from shared.speakers import THEM
from shared.store.database import Database
from shared.store.tables import RecordRow, SpeakerNameRow
from shared.store.view import EVERYBODY, View, seen


class KnownNames:
    """The names in those records of one database that `view` has."""

    def __init__(self, database: Database, view: View = EVERYBODY) -> None:
        self._database, self._view = database, view

    def given(self, limit: int) -> list[str]:
        """Return the names that persons gave, those of the most records first."""
        query = SpeakerNameRow.select(SpeakerNameRow.name).where(self._is_seen())
        query = query.group_by(SpeakerNameRow.name)
        rows = self._database.all(query.order_by(fn.COUNT(SQL("*")).desc(), SpeakerNameRow.name).limit(limit))
        return [row["name"] for row in rows if isinstance(row["name"], str)]

    def named(self, name: str) -> dict[int, frozenset[str]]:
        """Return the speakers to whom persons gave a name, by record; case makes no difference."""
        spelled = fn.LOWER(SpeakerNameRow.name).in_(lowered(name))
        found: dict[int, frozenset[str]] = {}
        for row in self._database.all(SpeakerNameRow.select().where(spelled & self._is_seen())):
            found[row["record"]] = found.get(row["record"], frozenset()) | {row["speaker"]}
        return found

    def far_sides(self, name: str) -> list[int]:
        """Return the calls of capture whose far side is known by their candidate or title alone."""
        named = SpeakerNameRow.select(SpeakerNameRow.record).where(SpeakerNameRow.speaker == THEM)
        known_as = fn.LOWER(fn.COALESCE(RecordRow.candidate_id, RecordRow.title)).in_(lowered(name))
        is_so = seen(self._view, (RecordRow.source == "capture") & known_as & RecordRow.id.not_in(named))
        return [row["id"] for row in self._database.all(RecordRow.select(RecordRow.id).where(is_so))]

    def _is_seen(self) -> Any:
        named = SpeakerNameRow.record
        if self._view.owner_id is None:
            return named.is_null(False)
        return named.in_(RecordRow.select(RecordRow.id).where(seen(self._view, RecordRow.id.is_null(False))))


def lowered(text: str) -> tuple[str, str]:
    """Return a text in small letters, and with its ASCII letters alone small, as a database may have it."""
    return text.lower(), "".join(sign.lower() if sign.isascii() else sign for sign in text)
