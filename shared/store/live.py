"""Calls that are decoded while they are recorded: who decodes them, what is final, and what is provisional.

A claim on a live call is good as long as its token stands in the row, as a claim on a record is. Every write
of a worker names the token. What is final stays until the call's record takes it over.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from peewee import Expression, fn

from shared.errors import ClaimLost
from shared.store import live_handover
from shared.store.captures import RECORDING
from shared.store.claims import Claim
from shared.store.database import Database, Row
from shared.store.live_values import (
    LiveCall,
    LiveClaim,
    LivePage,
    LiveWord,
    words_as_json,
    words_from_json,
)
from shared.store.tables import CaptureRow, LiveCallRow, LiveWindowRow
from shared.store.transcripts import Window, window_of
from shared.store.values import columns_of, value_of
from shared.words import milliseconds, seconds, segments_as_json

__all__ = [
    "ENDED",
    "FOLLOWING",
    "OFF",
    "RELEASED",
    "LiveCall",
    "LiveCalls",
    "LiveClaim",
    "LivePage",
    "LiveWord",
]

#: It is decoded while it runs; everything is decoded; it is not decoded any further.
FOLLOWING, ENDED, OFF = "following", "ended", "off"
RELEASED = {"token": None, "worker_id": None, "host": None, "lease_expires_at": None}
_NOTHING_PROVISIONAL = {"provisional": "[]"}
#: A row with nothing decoded.
_AT_THE_START = {
    "language": None,
    "language_probability": None,
    "flags": "[]",
    "final_seconds": 0.0,
    "heard_seconds": 0.0,
    "behind_seconds": 0.0,
    **_NOTHING_PROVISIONAL,
}


class LiveCalls:
    """The live calls of one database, as a worker on `host` sees them."""

    def __init__(self, database: Database, host: str, clock: Callable[[], float] = time.time) -> None:
        self._database, self._host, self._clock = database, host, clock

    # Queries

    def find(self, session_id: str) -> LiveCall | None:
        """Return the live call of a capture, None if there is none."""
        row = self._database.first(LiveCallRow.select().where(LiveCallRow.session_id == session_id))
        return value_of(LiveCall, row) if row else None

    def held(self) -> list[LiveCall]:
        """Return the live calls that workers have claimed."""
        rows = self._database.all(LiveCallRow.select().where(LiveCallRow.token.is_null(False)))
        return [value_of(LiveCall, row) for row in rows]

    def windows(self, session_id: str) -> list[Window]:
        """Return the windows that are final, in the order of the recording."""
        return [window_of(row) for row in self._windows(session_id)]

    def count_windows(self, session_id: str) -> int:
        """Return how many windows are final."""
        query = LiveWindowRow.select(fn.COUNT(LiveWindowRow.id))
        return int(self._database.scalar(query.where(LiveWindowRow.session_id == session_id)) or 0)

    def words(self, session_id: str, *, from_ms: int = 0, until_ms: int | None = None) -> list[LiveWord]:
        """Return the words that begin at `from_ms` or later, and before `until_ms`: the final ones by time,
        then the provisional ones.

        Those of a worker that has ended may be of a part that is final since; they are left out.
        """
        call = self._database.first(LiveCallRow.select().where(LiveCallRow.session_id == session_id))
        if call is None:
            return []
        within = [LiveWindowRow.end_seconds >= seconds(from_ms)]
        if until_ms is not None:
            within.append(LiveWindowRow.start_seconds <= seconds(until_ms))
        final = _final(self._windows(session_id, *within))
        provisional = words_from_json(call["provisional"], is_final=False)
        final_ms = milliseconds(value_of(LiveCall, call).final_seconds)
        found = [*final, *(it for it in provisional if it.start_ms >= final_ms)]
        end_ms = math.inf if until_ms is None else until_ms
        return [it for it in found if from_ms <= it.start_ms < end_ms]

    def final_words(self, session_id: str, *, after: int = 0) -> tuple[list[LiveWord], int]:
        """Return the words of the windows that were committed after window number `after`, by time, and the
        number of the last window.

        Of a call with two channels, a later window may have earlier words.
        """
        rows = self._windows(session_id, LiveWindowRow.id > after)
        return _final(rows), max((row["id"] for row in rows), default=after)

    def page(self, session_id: str, windows: int, *, before: int | None = None) -> LivePage:
        """Return the words of the windows that were committed last, or last before window number `before`."""
        earlier = () if before is None else (LiveWindowRow.id < before,)
        query = LiveWindowRow.select().where(LiveWindowRow.session_id == session_id, *earlier)
        found = self._database.all(query.order_by(LiveWindowRow.id.desc()).limit(windows + 1))
        rows = found[:windows]
        numbers = [row["id"] for row in rows] or [0]
        return LivePage(_final(rows), numbers[-1], numbers[0], len(found) > windows)

    def has_window(self, session_id: str, number: int) -> bool:
        """Whether a window with this number is there: a claim for another recipe forgets all of them."""
        query = LiveWindowRow.select(LiveWindowRow.id).where(LiveWindowRow.id == number)
        return self._database.first(query.where(LiveWindowRow.session_id == session_id)) is not None

    def revision(self, session_id: str) -> int | None:
        """Return the revision of a live call, None if there is none."""
        query = LiveCallRow.select(LiveCallRow.revision).where(LiveCallRow.session_id == session_id)
        row = self._database.first(query)
        if row is None:
            return None
        return row["revision"] if type(row["revision"]) is int else 0

    # Claims

    def claim(
        self, session_id: str, *, worker_id: str, recipe: str, model: str, lease_seconds: float
    ) -> LiveClaim | None:
        """Claim a call that is being recorded, or one whose worker has left it.

        Returns None if another worker has it, if it is off or ended, or if there is no such capture. What was
        decoded by another recipe is forgotten.
        """
        now, token = self._clock(), uuid.uuid4().hex
        claimed = {
            **{"worker_id": worker_id, "host": self._host, "token": token, "updated_at": now},
            **{"lease_expires_at": now + lease_seconds, "recipe": recipe, "model": model},
        }
        with self._database.transaction():
            call = self.find(session_id)
            if call is None and self._is_recorded(session_id):
                self._database.run(LiveCallRow.insert(session_id=session_id, state=FOLLOWING, **claimed))
            elif call is None or not self._take(call, claimed):
                return None
            now_mine = self.find(session_id)
        return LiveClaim(session_id, token, now_mine) if now_mine else None

    def renew(self, claim: LiveClaim, *, lease_seconds: float, **columns: Any) -> None:
        """Renew a claim's lease, and update columns. Raises ClaimLost."""
        with self._database.transaction():
            self._write(claim, lease_expires_at=self._clock() + lease_seconds, **columns)

    def save_windows(
        self,
        claim: LiveClaim,
        windows: Iterable[Window],
        words: Sequence[Sequence[LiveWord]],
        **columns: Any,
    ) -> None:
        """Commit final windows together, each with its words for showing, and columns. Raises ClaimLost."""
        with self._database.transaction():
            self._write(claim, **columns)
            for window, said in zip(windows, words, strict=True):
                row = {**window.__dict__, "segments": segments_as_json(window.segments)}
                query = LiveWindowRow.insert(session_id=claim.session_id, words=words_as_json(said), **row)
                self._database.run(query)

    def note(self, claim: LiveClaim, provisional: Sequence[LiveWord], **columns: Any) -> None:
        """Replace the provisional words, and update columns. Raises ClaimLost.

        A power cut may take them: the disk is not waited for. Call it outside of any transaction.
        """
        with self._database.unsynced(), self._database.transaction():
            self._write(claim, provisional=words_as_json(provisional), **columns)

    def release(self, claim: LiveClaim) -> None:
        """Give a live call back, for another worker to go on. Raises ClaimLost."""
        with self._database.transaction():
            self._write(claim, **RELEASED)

    def end(self, claim: LiveClaim, **columns: Any) -> None:
        """Note that everything is decoded. Raises ClaimLost."""
        with self._database.transaction():
            self._write(claim, state=ENDED, **RELEASED, **_NOTHING_PROVISIONAL, **columns)

    def switch_off(self, claim: LiveClaim, why: str) -> None:
        """Decode a call no further while it runs, for a reason; what is final stays. Raises ClaimLost."""
        with self._database.transaction():
            self._write(claim, state=OFF, why=why, **RELEASED, **_NOTHING_PROVISIONAL)

    def crashed(self, claim: LiveClaim) -> int:
        """Count a crash of the engine, and return how many there were. Raises ClaimLost."""
        with self._database.transaction():
            self._write(claim, crashes=LiveCallRow.crashes + 1)
            call = self.find(claim.session_id)
        return call.crashes if call else 0

    def free(self, session_id: str, token: str) -> bool:
        """Take a live call from a worker that has ended, and count a crash; False if it has another token."""
        changed = {**RELEASED, "crashes": LiveCallRow.crashes + 1, "updated_at": self._clock()}
        with self._database.transaction():
            query = LiveCallRow.update(**changed).where(_holds(session_id, token))
            return bool(self._database.run(query))

    def take_over(self, claim: Claim, recipe: str) -> int:
        """Move the windows of a record's live call to the record, and return their number. Raises ClaimLost.

        `claim` is that of the record. It gets the language and the flags as well, so read it again. Nothing
        is moved if the record has decoded windows, if another recipe was used or if a window is damaged. What
        is not moved is deleted, and so is the live call.
        """
        session_id = claim.record.session_id
        with self._database.transaction():
            call = self.find(session_id)
            if call and call.recipe == recipe:
                moved = live_handover.move(self._database, claim, call)
            else:
                moved = 0
                live_handover.confirm(self._database, claim)
            self._database.run(LiveCallRow.delete().where(LiveCallRow.session_id == session_id))
        return moved

    # Helpers

    def _windows(self, session_id: str, *where: Expression) -> list[Row]:
        query = LiveWindowRow.select().where(LiveWindowRow.session_id == session_id, *where)
        return self._database.all(query.order_by(LiveWindowRow.start_seconds, LiveWindowRow.id))

    def _is_recorded(self, session_id: str) -> bool:
        runs = (CaptureRow.session_id == session_id) & (CaptureRow.state == RECORDING)
        return self._database.first(CaptureRow.select(CaptureRow.session_id).where(runs)) is not None

    def _take(self, call: LiveCall, claimed: dict[str, Any]) -> bool:
        """Write a claim into a row that nobody holds; False if it cannot be claimed."""
        mine = LiveCallRow.session_id == call.session_id
        free = mine & LiveCallRow.token.is_null() & (LiveCallRow.state == FOLLOWING)
        is_another = call.recipe != claimed["recipe"]
        changed = {**(_AT_THE_START if is_another else {}), **claimed, "revision": LiveCallRow.revision + 1}
        if not self._database.run(LiveCallRow.update(**changed).where(free)):
            return False
        if is_another:
            self._database.run(LiveWindowRow.delete().where(LiveWindowRow.session_id == call.session_id))
        return True

    def _write(self, claim: LiveClaim, **columns: Any) -> None:
        """Update columns under a claim. The revision grows with whatever is not the lease alone."""
        seen = {"revision": LiveCallRow.revision + 1} if set(columns) != {"lease_expires_at"} else {}
        changed = {**columns_of(columns), **seen, "updated_at": self._clock()}
        if not self._database.run(LiveCallRow.update(**changed).where(_holds(claim.session_id, claim.token))):
            raise ClaimLost


def _final(rows: Iterable[Row]) -> list[LiveWord]:
    """Return the words of windows by time."""
    found = (it for row in rows for it in words_from_json(row["words"], is_final=True))
    return sorted(found, key=lambda it: (it.start_ms, it.end_ms))


def _holds(session_id: str, token: str) -> Expression:
    return (LiveCallRow.session_id == session_id) & (LiveCallRow.token == token)
