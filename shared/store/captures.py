"""What capture leaves in the database: a row for each recording, before its first sample, and its loudness.

The row says from the start where the finished recording will be. So whoever finds that file, or the
unfinished one, knows whose call it is, whatever died in between.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from peewee import SqliteDatabase

from shared.errors import UnknownSession
from shared.store import scrubbing
from shared.store.models import Capture, Loudness, Record
from shared.store.records import Records

#: It is being recorded; it waits to be attached or discarded; it is to be handed over; it is in the queue.
RECORDING, WAITING, ENDED, QUEUED = "recording", "waiting", "ended", "queued"
TICKS_PER_SECOND = 10
TICKS_PER_ROW = 60 * TICKS_PER_SECOND
QUIETEST_BYTE = 255


def as_byte(rms: float) -> int:
    """Write a loudness as half decibels below full scale, from 0 to 255."""
    return QUIETEST_BYTE if rms <= 0 else min(QUIETEST_BYTE, max(0, round(-40 * math.log10(rms))))


def dbfs(loudness: int) -> float:
    """Read a loudness byte: decibels relative to full scale, from 0 down to -127.5."""
    return -loudness / 2


class Captures:
    """The captures of one database."""

    def __init__(self, database: SqliteDatabase, clock: Callable[[], float] = time.time) -> None:
        self._database, self._records = database, Records(database, clock)

    def begin(self, session_id: str, recording_path: Path, **columns: Any) -> Capture:
        """Write down that a recording begins, and where it will be when it is finished."""
        with self._database.atomic():
            return Capture.create(
                session_id=session_id, state=RECORDING, recording_path=str(recording_path), **columns
            )

    def get(self, session_id: str) -> Capture:
        """Return a capture. Raises UnknownSession."""
        found = Capture.get_or_none(Capture.session_id == session_id)
        if found is None:
            raise UnknownSession(f"There is no recording with the session id {session_id}.")
        return found

    def has_left(self, recording_path: str) -> bool:
        """Whether a capture was to leave its recording here."""
        return Capture.select().where(Capture.recording_path == recording_path).exists()

    def unfinished(self) -> list[Capture]:
        """Return what is being recorded, waits for a person or could not be queued yet, the oldest first."""
        return list(Capture.select().where(Capture.state != QUEUED).order_by(Capture.started_at))

    def take_over(self, found: Capture, worker_id: str) -> bool:
        """Make a dead process's capture this one's; False if somebody else was faster."""
        unchanged = (Capture.session_id == found.session_id) & (Capture.worker_id == found.worker_id)
        with self._database.atomic():
            return bool(Capture.update(worker_id=worker_id).where(unchanged).execute())

    def change(self, session_id: str, **columns: Any) -> None:
        """Note what has been learnt."""
        with self._database.atomic():
            Capture.update(**columns).where(Capture.session_id == session_id).execute()

    def note(
        self, session_id: str, verdict: Mapping[str, Any], rows: Mapping[int, Mapping[str, bytes]]
    ) -> None:
        """Note the verdict so far, and rows of loudness, which grow until they are full: a minute each."""
        with self._database.atomic():
            self.change(session_id, verdict=json.dumps(verdict), duration_seconds=verdict["duration_seconds"])
            for minute, sides in rows.items():
                Loudness.insert(capture=session_id, minute=minute, **sides).on_conflict_replace().execute()

    def attach(self, session_id: str, candidate_id: str | None, project_id: str | None) -> None:
        """Say whom a call was with and what it was about, queued or not. Raises UnknownSession."""
        given = {"candidate_id": candidate_id, "project_id": project_id}
        columns = {name: value for name, value in given.items() if value is not None}
        with self._database.atomic():
            known = [
                model.select().where(model.session_id == session_id).exists() for model in (Capture, Record)
            ]
            if not any(known):
                raise UnknownSession(f"There is no recording with the session id {session_id}.")
            for model in (Capture, Record) if columns else ():
                model.update(**columns).where(model.session_id == session_id).execute()

    def release(self, session_id: str) -> None:
        """Let a recording that waits be handed over by the next capture worker that comes by."""
        with self._database.atomic():
            waits = (Capture.session_id == session_id) & (Capture.state == WAITING)
            Capture.update(state=ENDED).where(waits).execute()

    def queue(self, session_id: str, content: Mapping[str, Any]) -> Record:
        """Put a finished recording into the queue, once, whoever comes first. Raises UnknownSession."""
        with self._database.atomic():
            found = self.get(session_id)
            self.change(session_id, state=QUEUED)
            record = Record.get_or_none(Record.session_id == session_id)
            return record or self._records.add(
                source="capture",
                session_id=session_id,
                title=found.title,
                candidate_id=found.candidate_id,
                project_id=found.project_id,
                recording_path=found.recording_path,
                **content,
            )

    def adopt(self, recording_path: str, content: Mapping[str, Any]) -> Record | None:
        """Return the record of the capture that has left this very recording here, made if need be.

        Returns None if no capture has, or if the file under its name has been replaced since.
        """
        with self._database.atomic():
            mine = Capture.select().where(Capture.recording_path == recording_path)
            found = next(iter(mine.order_by(Capture.started_at.desc()).limit(1)), None)
            record = self.queue(found.session_id, content) if found else None
            return record if record and record.sha256 == content["sha256"] else None

    def discard(self, session_id: str) -> None:
        """Forget a capture and its loudness, down to the last byte; files are the caller's."""
        with self._database.atomic():
            Capture.delete().where(Capture.session_id == session_id).execute()
            scrubbing.order()

    def verdict(self, session_id: str) -> dict[str, Any] | None:
        """Say how well a call was captured; None if it was not captured here, or nothing is known."""
        found = Capture.get_or_none(Capture.session_id == session_id)
        verdict: dict[str, Any] = json.loads(found.verdict) if found else {}
        return verdict or None

    def loudness(self, session_id: str) -> dict[str, bytes]:
        """Read the loudness of each side, TICKS_PER_SECOND bytes a second."""
        rows = list(Loudness.select().where(Loudness.capture == session_id).order_by(Loudness.minute))
        return {side: b"".join(getattr(row, side) for row in rows) for side in ("microphone", "loopback")}
