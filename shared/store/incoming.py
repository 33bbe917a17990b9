"""The calls that workstations are sending to this server: a row for each until it is a record.

The row says from the start where the recording will be in the storage. Before it is put there, its deletion
is ordered, which its record takes back. So an object always has a record or goes, wherever a server stops.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from peewee import Expression, fn

from shared.store.database import Database
from shared.store.erasures import Erasures
from shared.store.objects import Objects
from shared.store.records import Records
from shared.store.tables import IncomingCallRow
from shared.store.values import Record, value_of

TOUCH_SECONDS = 3600.0


@dataclass(frozen=True)
class IncomingCall:
    """A call that is being sent: whose it is, and what its record will have. `facts` is JSON."""

    session_id: str
    workstation: str
    facts: str
    size_bytes: int
    sha256: str
    storage_key: str
    created_at: float
    updated_at: float
    person_id: int | None = None

    def text(self, name: str) -> str:
        """Return a text of the facts; one that is missing or damaged is empty."""
        with suppress(ValueError, AttributeError):
            found = json.loads(self.facts).get(name)
            return found if isinstance(found, str) else ""
        return ""


class IncomingCalls:
    """The calls that are being sent to one database."""

    def __init__(
        self,
        database: Database,
        records: Records,
        erasures: Erasures,
        objects: Objects,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._records, self._erasures = database, records, erasures
        self._objects, self._clock = objects, clock

    def find(self, session_id: str) -> IncomingCall | None:
        """Return a call, None if nobody sends it, or it is a record already."""
        found = self._all(IncomingCallRow.session_id == session_id)
        return found[0] if found else None

    def count(self, person_id: int) -> int:
        """Return how many calls of a person are being sent."""
        mine = IncomingCallRow.person_id == person_id
        return int(
            self._database.scalar(IncomingCallRow.select(fn.COUNT(IncomingCallRow.session_id)).where(mine))
            or 0
        )

    def of_candidate(self, candidate_id: str) -> list[IncomingCall]:
        """Return the calls about a candidate, the oldest first."""
        return [call for call in self._all() if call.text("candidate_id") == candidate_id]

    def untouched_since(self, moment: float) -> list[IncomingCall]:
        """Return the calls of which nothing has arrived since a moment."""
        return self._all(IncomingCallRow.updated_at < moment)

    def begin(self, session_id: str, **columns: Any) -> IncomingCall:
        """Insert the row of a call; one of the same call with another recording is replaced."""
        now = self._clock()
        row = {"created_at": now, "updated_at": now, **columns}
        with self._database.transaction():
            if before := self.find(session_id):
                self.drop(before)
            query = IncomingCallRow.insert(session_id=session_id, **row).returning(IncomingCallRow)
            found = self._database.first(query)
        assert found
        return value_of(IncomingCall, found)

    def revise(self, call: IncomingCall, facts: str) -> None:
        """Note what is known now of a call that goes on being sent."""
        self._change(call, facts=facts)

    def touch(self, call: IncomingCall) -> None:
        """Note that something of a call has arrived, unless that was noted in the last hour."""
        if self._clock() - call.updated_at > TOUCH_SECONDS:
            self._change(call)

    def expect(self, call: IncomingCall, other_key: str) -> IncomingCall:
        """Let a call be put into the storage, and its object be deleted if it gets no record.

        Returns the call; it has `other_key` if what an earlier try has put there is being deleted.
        """
        with self._database.transaction():
            if not self._objects.expect(call.storage_key):
                self._change(call, storage_key=other_key)
                call = replace(call, storage_key=other_key)
                self._objects.expect(other_key)
            return call

    def become(self, call: IncomingCall, **columns: Any) -> Record | None:
        """Turn a call whose recording is in the storage into a queued record.

        Returns None if it was dropped meanwhile; its recording is deleted then.
        """
        with self._database.transaction():
            if not self._database.run(IncomingCallRow.delete().where(_is(call))):
                self._objects.order(call.storage_key)
                return None
            self._objects.claim(call.storage_key)
            return self._records.add(
                session_id=call.session_id,
                recording_path=call.storage_key,
                storage_key=call.storage_key,
                sha256=call.sha256,
                size_bytes=call.size_bytes,
                owner_id=call.person_id,
                workstation=call.workstation,
                **columns,
            )

    def drop(self, call: IncomingCall) -> None:
        """Remove the row of a call that becomes no record, and what it may have in the storage.

        Orders a scrub. The file with what has arrived is the caller's.
        """
        with self._database.transaction():
            if self._database.run(IncomingCallRow.delete().where(_is(call))):
                self._objects.order(call.storage_key)
                self._erasures.order_scrub()

    def give_up(self, call: IncomingCall, recording_path: str) -> Record:
        """Turn a call that is being sent into a record of what has arrived, so that it can be deleted."""
        with self._database.transaction():
            self.drop(call)
            return self._records.add(
                session_id=call.session_id,
                source="capture",
                title=call.text("title"),
                candidate_id=call.text("candidate_id") or None,
                recording_path=recording_path,
                owner_id=call.person_id,
                workstation=call.workstation,
            )

    def _change(self, call: IncomingCall, **columns: Any) -> None:
        query = IncomingCallRow.update(updated_at=self._clock(), **columns).where(_is(call))
        with self._database.transaction():
            self._database.run(query)

    def _all(self, *where: Expression) -> list[IncomingCall]:
        query = IncomingCallRow.select()
        rows = self._database.all(
            (query.where(*where) if where else query).order_by(IncomingCallRow.created_at)
        )
        return [value_of(IncomingCall, row) for row in rows]


def _is(call: IncomingCall) -> Expression:
    """Whether a row is that of a call with this very recording."""
    same = IncomingCallRow.session_id == call.session_id
    return same & (IncomingCallRow.storage_key == call.storage_key)
