"""Hands over a recording that is finished, or whose process was killed: repair, move, queue.

Every step can be repeated, also by another process. The row names the file's final path before the move, so
that after it the inbox can adopt the file as this call.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection, Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from capture_worker import wav
from capture_worker.mixer import LAYOUTS
from capture_worker.output_path import refuse_inside
from shared import titles
from shared.capture_errors import BadOutputPath
from shared.errors import OffhookError
from shared.files import Fingerprint, move, sha256_of, sync_folder
from shared.home import part_of
from shared.logs import discreet
from shared.settings import Settings
from shared.store.captures import ENDED, QUEUED, RECORDING, WAITING
from shared.store.store import Store
from shared.store.values import Capture, Record
from shared.workers import Liveness

log = logging.getLogger(__name__)

RECOVERED = "recovered"
#: A recording that was handed over late, and its record.
Recovered = tuple[Capture, Record]


class UnfinishedRecordings:
    """The unfinished recordings of one home, as one process sees them."""

    def __init__(self, settings: Settings, store: Store, worker_id: str) -> None:
        self._settings, self._store, self._worker_id = settings, store, worker_id
        self._captures, self._liveness = store.captures, Liveness(store, settings.locks)

    def part(self, session_id: str) -> Path:
        """Return the path of a recording until it is handed over."""
        return part_of(self._settings.recording, session_id)

    def inbox_path(self, session_id: str, started_at: float) -> Path:
        """Return the default path of a finished recording: a unique name in the inbox."""
        moment = datetime.fromtimestamp(started_at).strftime("%Y-%m-%d %H.%M.%S")
        return self._settings.inbox / f"Call {moment} {session_id[:8]}.wav"

    def delete(self, session_id: str) -> None:
        """Delete a recording and its rows."""
        self.part(session_id).unlink(missing_ok=True)
        self._captures.discard(session_id)

    def hand_over(self, session_id: str) -> Record | None:
        """Move a finished recording to its final path and queue it; None if its file is missing.

        Raises OSError, StoreError; can be repeated.
        """
        found = self._captures.get(session_id)
        part, place = self.part(session_id), Path(found.recording_path)
        if part.exists():
            place = self._moved(found, part, place)
        try:
            content = {"sha256": sha256_of(place), **asdict(Fingerprint.of(place))}
        except FileNotFoundError:  # the inbox has adopted it and a worker archived it
            return self._gone(found)
        duration = {"duration_seconds": found.duration_seconds or None}
        return self._captures.queue(session_id, content | duration)

    def hand_over_all(self, current: Collection[str | None] = ()) -> list[Recovered]:
        """Repair, move and queue what this process and those that have ended left; return what was queued."""
        recovered: list[Recovered] = []
        for left in self._leftovers(current):
            try:
                recovered += self._recover(self._with_row(left) if isinstance(left, Path) else left)
            except (OSError, OffhookError) as error:
                log.warning("a recording cannot be handed over yet: %s", discreet(error))
        return recovered

    def _recover(self, found: Capture) -> Iterator[Recovered]:
        if not self._captures.take_over(found, self._worker_id):
            return
        whole = self._repaired(found) if found.state == RECORDING else found
        record = self.hand_over(whole.session_id) if whole else None
        if whole and record:
            log.info("recording %d: handed over late", record.id)
            yield whole, record

    def waiting(self) -> list[Capture]:
        """Return the stopped recordings that a person is to attach or discard, the oldest first."""
        mine = self._unclaimed()
        return [found for found in mine if found.state == WAITING]

    def _leftovers(self, current: Collection[str | None]) -> Iterator[Capture | Path]:
        for found in self._unclaimed():
            if found.session_id not in current and found.state in (RECORDING, ENDED):
                yield found
        if self._others_record():  # it may not have written its row yet
            return
        known = self._captures.session_ids()
        for part in sorted(self._settings.recording.glob("*.part")):
            if part.stem not in known and part.stem not in current:
                yield part

    def _others_record(self) -> bool:
        recorders = self._store.workers.every("capture")
        others = [it for it in recorders if it.id != self._worker_id and it.state != "standby"]
        return any(self._liveness.runs(other.id, other.host) for other in others)

    def _unclaimed(self) -> list[Capture]:
        """Return this process's captures and those of this host's processes that have ended."""
        return [found for found in self._captures.unfinished() if self._may_take(found)]

    def _may_take(self, found: Capture) -> bool:
        return found.worker_id == self._worker_id or self._liveness.has_ended(found.worker_id, found.host)

    def _with_row(self, part: Path) -> Capture:
        """Insert a row for a file without one, as after the database was replaced."""
        session_id = str(uuid.uuid4())
        began = part.stat().st_mtime
        part.replace(self.part(session_id))
        title = titles.of_moment(began, titles.RECOVERED)
        return self._captures.begin(
            session_id,
            self.inbox_path(session_id, began),
            title=title,
            layout=self._settings.layout,
            started_at=began,
            worker_id=self._worker_id,
        )

    def _repaired(self, found: Capture) -> Capture | None:
        """Make the file of a killed recorder playable; delete it and return None if it has no audio."""
        part = self.part(found.session_id)
        if not part.exists():  # it was killed after the move
            return found
        seconds = wav.repair(part, LAYOUTS[found.layout][0])
        if not seconds:
            self.delete(found.session_id)
            return None
        learnt = {"duration_seconds": round(seconds, 3), "reason": RECOVERED, "recovered": True}
        verdict = dict(found.verdict) | learnt
        self._captures.change(found.session_id, state=ENDED, duration_seconds=seconds, verdict=verdict)
        return self._captures.get(found.session_id)

    def _moved(self, found: Capture, part: Path, place: Path) -> Path:
        """Move a recording to its final path, or to the inbox if that is impossible."""
        fallback = self.inbox_path(found.session_id, found.started_at)
        try:
            if place.parent != self._settings.inbox:
                refuse_inside(place, self._settings.home)
            return self._move(found, part, place)
        except (OSError, BadOutputPath) as error:
            if place == fallback:
                raise
            log.warning("a recording goes to the inbox instead: %s", discreet(error))
            return self._move(found, part, fallback)

    def _move(self, found: Capture, part: Path, place: Path) -> Path:
        place.parent.mkdir(parents=True, exist_ok=True)
        free = next(path for path in _names(place) if not path.exists())
        if free != Path(found.recording_path):
            self._captures.change(found.session_id, recording_path=str(free))
        move(part, free)
        sync_folder(free.parent)
        return free

    def _gone(self, found: Capture) -> Record | None:
        record = self._store.records.of_session(found.session_id)
        if record is None:
            log.warning("the file of recording %s is missing", found.session_id)
            self._captures.discard(found.session_id)
        else:
            self._captures.change(found.session_id, state=QUEUED)
        return record


def _names(place: Path) -> Iterator[Path]:
    """Yield the wanted path, then numbered ones."""
    yield place
    for number in range(2, 1000):
        yield place.with_name(f"{place.stem} ({number}){place.suffix}")
    yield place.with_name(f"{place.stem} ({uuid.uuid4().hex}){place.suffix}")
