"""The captures in the database: a row for each recording, and its loudness.

The row says from the start where the finished recording will be. So any process that finds that file, or the
unfinished one, knows which call it is, wherever the recorder stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from peewee import Expression

from shared.capture_errors import UnknownSession
from shared.loudness import ECHO_BYTES, QUIETEST_BYTE, SideLevels
from shared.store.database import Database, Row
from shared.store.erasures import Erasures
from shared.store.records import Records
from shared.store.tables import CaptureRow, LoudnessRow, RecordRow
from shared.store.values import Capture, Record, columns_of, value_of

#: It is being recorded; it waits to be attached or discarded; it can be handed over; it is in the queue.
RECORDING, WAITING, ENDED, QUEUED = "recording", "waiting", "ended", "queued"
#: No call is longer (7 days): a minute beyond it is a damaged number.
MOST_MINUTES = 7 * 24 * 60
MOST_TICKS_PER_SECOND = 100
ROWS_AT_ONCE = 100
_SIDES = ("microphone", "loopback", "echo")
_OF_RECORD = ("session_id", "title", "candidate_id", "project_id", "recording_path")


class Captures:
    """The captures of one database, as a process on `host` sees them."""

    def __init__(
        self,
        database: Database,
        records: Records,
        erasures: Erasures,
        host: str,
    ) -> None:
        self._database, self._records, self._erasures = database, records, erasures
        self._host = host

    def begin(self, session_id: str, recording_path: Path, **columns: Any) -> Capture:
        """Insert the row of a recording that begins, with its final path. Raises StoreConflict."""
        query = CaptureRow.insert(
            session_id=session_id,
            state=RECORDING,
            recording_path=str(recording_path),
            host=self._host,
            **columns_of(columns),
        )
        with self._database.transaction():
            self._database.run(query)
            return self.get(session_id)

    def get(self, session_id: str) -> Capture:
        """Return a capture. Raises UnknownSession."""
        found = self.find(session_id)
        if found is None:
            raise UnknownSession(f"There is no recording with the session id {session_id}.")
        return found

    def find(self, session_id: str) -> Capture | None:
        """Return a capture, None if there is none with this session id."""
        found = self._all(CaptureRow.session_id == session_id)
        return found[0] if found else None

    def has_left(self, recording_path: str) -> bool:
        """Return whether a capture has this as its final path."""
        return bool(self._all(CaptureRow.recording_path == recording_path))

    def unfinished(self) -> list[Capture]:
        """Return captures that run, wait for a person or could not be queued yet, the oldest first."""
        return self._all(CaptureRow.state != QUEUED)

    def running(self) -> list[Capture]:
        """Return captures that are being recorded, the oldest first."""
        return self._all(CaptureRow.state == RECORDING)

    def unqueued_of_candidate(self, candidate_id: str) -> list[Capture]:
        """Return the captures of a person that have no record, the oldest first."""
        queued = RecordRow.select(RecordRow.session_id)
        mine = CaptureRow.candidate_id == candidate_id
        return self._all(mine & CaptureRow.session_id.not_in(queued))

    def session_ids(self) -> set[str]:
        """Return the session ids of all captures."""
        rows = self._database.all(CaptureRow.select(CaptureRow.session_id))
        return {row["session_id"] for row in rows}

    def take_over(self, found: Capture, worker_id: str) -> bool:
        """Take over the capture of an ended process; False if another process was faster."""
        unchanged = (CaptureRow.session_id == found.session_id) & (CaptureRow.worker_id == found.worker_id)
        query = CaptureRow.update(worker_id=worker_id, host=self._host).where(unchanged)
        with self._database.transaction():
            return bool(self._database.run(query))

    def change(self, session_id: str, **columns: Any) -> None:
        """Update columns of a capture."""
        query = CaptureRow.update(**columns_of(columns)).where(CaptureRow.session_id == session_id)
        with self._database.transaction():
            self._database.run(query)

    def note(self, session_id: str, verdict: Mapping[str, Any], levels: Mapping[int, SideLevels]) -> None:
        """Write the verdict so far, and the levels of minutes, the last one growing."""
        with self._database.transaction():
            self.change(session_id, verdict=verdict, duration_seconds=verdict["duration_seconds"])
            for minute, sides in levels.items():
                query = LoudnessRow.insert(capture=session_id, minute=minute, **asdict(sides))
                key = [LoudnessRow.capture, LoudnessRow.minute]
                self._database.run(query.on_conflict(conflict_target=key, update=asdict(sides)))

    def note_strain(self, session_id: str, strain: str | None) -> None:
        """Write what recording a call has trouble with now, without waiting for the disk, which may be it."""
        with self._database.unsynced():
            self.change(session_id, strain=strain)

    def attach(self, session_id: str, candidate_id: str | None, project_id: str | None) -> None:
        """Set the candidate and project of a call, queued or not. Raises UnknownSession."""
        given = {"candidate_id": candidate_id, "project_id": project_id}
        columns = {name: value for name, value in given.items() if value is not None}
        with self._database.transaction():
            if self.find(session_id) is None and self._records.of_session(session_id) is None:
                raise UnknownSession(f"There is no recording with the session id {session_id}.")
            tables = ((CaptureRow, columns), (RecordRow, {**columns, "archived_at": None}))
            for table, changed in tables if columns else ():  # the files name the candidate as the far side
                self._database.run(table.update(**changed).where(table.session_id == session_id))

    def release(self, session_id: str) -> None:
        """Let a recording that waits be handed over by the next capture worker."""
        waits = (CaptureRow.session_id == session_id) & (CaptureRow.state == WAITING)
        with self._database.transaction():
            self._database.run(CaptureRow.update(state=ENDED).where(waits))

    def queue(self, session_id: str, content: Mapping[str, Any]) -> Record:
        """Put a finished recording into the queue, once, whichever process comes first. Raises
        UnknownSession.
        """
        with self._database.transaction():
            found = self.get(session_id)
            self.change(session_id, state=QUEUED)
            return self._records.of_session(session_id) or self._records.add(
                source="capture",
                session_id=session_id,
                title=found.title,
                candidate_id=found.candidate_id,
                project_id=found.project_id,
                recording_path=found.recording_path,
                **content,
            )

    def receive(self, record: Record, levels: Mapping[int, SideLevels], **columns: Any) -> None:
        """Insert the capture of a record that was recorded on another machine, with its loudness."""
        same = {name: getattr(record, name) for name in _OF_RECORD}
        row = {"state": QUEUED, "worker_id": "", "host": record.workstation, **same, **columns_of(columns)}
        with self._database.transaction():
            self._database.run(CaptureRow.insert(**row))
            rows = [{"capture": record.session_id, "minute": n, **asdict(it)} for n, it in levels.items()]
            for start in range(0, len(rows), ROWS_AT_ONCE):
                self._database.run(LoudnessRow.insert_many(rows[start : start + ROWS_AT_ONCE]))

    def adopt(self, recording_path: str, content: Mapping[str, Any]) -> Record | None:
        """Return the record of the capture that has left this very recording here; create it if it is
        missing.

        Returns None if no capture has, or if the file under its name was replaced since.
        """
        with self._database.transaction():
            found = self._all(CaptureRow.recording_path == recording_path)
            record = self.queue(found[-1].session_id, content) if found else None
            return record if record and record.sha256 == content["sha256"] else None

    def discard(self, session_id: str) -> None:
        """Remove a capture and its loudness, and order a scrub; files are the caller's."""
        with self._database.transaction():
            self._database.run(CaptureRow.delete().where(CaptureRow.session_id == session_id))
            self._erasures.order_scrub()

    def verdict(self, session_id: str) -> dict[str, Any] | None:
        """Return the verdict on a call; None if it was not captured here, or has none."""
        found = self.find(session_id)
        return dict(found.verdict) or None if found else None

    def levels(
        self, session_id: str, *, first_minute: int = 0, end_minute: int = MOST_MINUTES
    ) -> SideLevels | None:
        """Return how loud both sides of a call were, from a minute on and up to another; None if it was not
        captured here, or has no loudness.

        A missing or damaged minute is silent, so that the later ones keep their times.
        """
        minutes = (LoudnessRow.minute >= first_minute) & (LoudnessRow.minute < end_minute)
        wanted = (LoudnessRow.capture == session_id) & minutes
        query = LoudnessRow.select().where(wanted).order_by(LoudnessRow.minute)
        found = [row for row in self._database.all(query) if _is_readable(row)]
        rows = [{**row, "minute": row["minute"] - first_minute} for row in found]
        if not rows:
            return None
        ticks_per_second = rows[0]["ticks_per_second"]
        silence = bytes([QUIETEST_BYTE])
        return SideLevels(
            ticks_per_second,
            _joined(rows, "microphone", 60 * ticks_per_second, silence),
            _joined(rows, "loopback", 60 * ticks_per_second, silence),
            _joined(rows, "echo", 60 * ECHO_BYTES, b"\0"),
        )

    def minutes(self, session_id: str) -> dict[int, SideLevels]:
        """Return how loud both sides of a call were, by minute; damaged minutes are left out."""
        query = LoudnessRow.select().where(LoudnessRow.capture == session_id).order_by(LoudnessRow.minute)
        rows = [row for row in self._database.all(query) if _is_readable(row)]
        return {
            row["minute"]: SideLevels(row["ticks_per_second"], *(row[side] for side in _SIDES))
            for row in rows
            if all(isinstance(row[side], bytes) for side in _SIDES)
        }

    def _all(self, where: Expression) -> list[Capture]:
        rows = self._database.all(CaptureRow.select().where(where).order_by(CaptureRow.started_at))
        return [value_of(Capture, row) for row in rows]


def _is_readable(row: Row) -> bool:
    minute, ticks = row["minute"], row["ticks_per_second"]
    is_whole = isinstance(minute, int) and isinstance(ticks, int)
    return is_whole and 0 <= minute < MOST_MINUTES and 0 < ticks <= MOST_TICKS_PER_SECOND


def _joined(rows: Sequence[Row], column: str, bytes_per_minute: int, missing: bytes) -> bytes:
    """Join a column of minutes, each at its time; empty if no minute has any."""
    found = bytearray()
    for row in rows:
        if isinstance(row[column], bytes) and row[column]:
            found += missing * (row["minute"] * bytes_per_minute - len(found)) + row[column]
    return bytes(found)
