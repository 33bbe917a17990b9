"""Reads recordings for the desk, one at a time: peaks into the database, copies for browsers into the home.

A process of low priority does the reading. It writes nothing that is used before it is whole: a copy gets its
name, and peaks their row, when all is read. What a killed server has left is removed before the next copy.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from archive.library import Library
from archive.playback_copies import make_room, partial_of, playback_copy, remove_unfinished
from archive.storage.recordings import Recordings
from shared.errors import OffhookError, StateConflict
from shared.home import make_folder, tighten
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Record
from shared.store.waveforms import Waveform
from transcribe_worker.engine.preparation import Preparation, Wanted

log = logging.getLogger(__name__)

#: The peaks of a recording, or a copy of it (and its peaks).
Kind = Literal["peaks", "copy"]
Key = tuple[Kind, int, str | None]
CANCELLED = "It was cancelled."
#: Failed and cancelled tasks that are remembered.
REMEMBERED = 200


@dataclass
class Task:
    """One recording to be read; `why` says why it was not, once it is over."""

    kind: Kind
    record: Record
    progress: float = 0.0
    ticks_per_second: int = 20
    sides: list[bytearray] = field(default_factory=list)
    why: str = ""
    is_cancelled: bool = False


class Preparing:
    """The recordings of one home that are being read for the desk, and those that could not be read."""

    def __init__(self, settings: Settings, store: Store, recordings: Recordings) -> None:
        self._settings, self._store, self._library = settings, store, Library(settings, store)
        self._recordings = recordings
        self._lock = threading.Lock()
        self._waiting: deque[Task] = deque()
        self._tasks: dict[Key, Task] = {}
        self._running: tuple[Task, Preparation | None] | None = None
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def find(self, kind: Kind, record: Record) -> Task | None:
        """Return the task for a record's present recording: one that waits, runs, or could not be done."""
        with self._lock:
            return self._tasks.get(_key(kind, record))

    def start(self, kind: Kind, record: Record, *, again: bool = False) -> Task:
        """Return its task, a new one if there is none; `again` also if it could not be done before."""
        with self._lock:
            found = self._tasks.get(_key(kind, record))
            if found and not (found.why and again):
                return found
            task = self._tasks[_key(kind, record)] = Task(kind, record)
            if kind == "copy":  # somebody waits to hear it
                self._waiting.appendleft(task)
            else:
                self._waiting.append(task)
            self._forget_oldest()
            if self._thread is None and not self._is_closed:
                self._thread = threading.Thread(target=self._work, name="preparing", daemon=True)
                self._thread.start()
            return task

    def cancel(self, kind: Kind, record: Record) -> None:
        """Stop reading a recording; nothing of it stays."""
        with self._lock:
            task = self._tasks.get(_key(kind, record))
            if task and not task.why:
                task.is_cancelled, task.why = True, CANCELLED
                if self._running and self._running[0] is task and self._running[1]:
                    self._running[1].end()

    def close(self) -> None:
        """Stop everything."""
        with self._lock:
            self._is_closed = True
            self._waiting.clear()
            thread, running = self._thread, self._running
            if running:
                running[0].is_cancelled = True
                if running[1]:
                    running[1].end()
        if thread:
            thread.join()

    def _forget_oldest(self) -> None:
        over = [key for key, task in self._tasks.items() if task.why]
        for key in over[: max(0, len(over) - REMEMBERED)]:
            del self._tasks[key]

    def _work(self) -> None:
        """Do what waits, one after another, in a thread that ends when nothing does."""
        while task := self._next():
            try:
                self._do(task)
            except (OffhookError, OSError) as error:
                task.why = CANCELLED if task.is_cancelled else str(error)
                log.info("recording %d: not prepared: %s", task.record.id, type(error).__name__)
            except Exception:
                task.why = "This is a fault in offhook itself; the log has it."
                log.exception("recording %d: not prepared", task.record.id)
            else:
                with self._lock:  # what it has made is found from now on
                    self._tasks.pop(_key(task.kind, task.record), None)
        self._store.disconnect()

    def _next(self) -> Task | None:
        with self._lock:
            self._running = None
            while self._waiting:
                task = self._waiting.popleft()
                if not task.is_cancelled:
                    self._running = (task, None)
                    return task
            self._thread = None
            return None

    def _do(self, task: Task) -> None:
        copy = playback_copy(self._settings, task.record) if task.kind == "copy" else None
        partial = self._place_for(copy) if copy else None
        try:
            with self._recordings.in_use(task.record) as path:
                wanted = Wanted.of(self._settings, path, partial, is_split=self._is_split(task.record))
                self._read(task, wanted)
            self._keep(task, copy)
        finally:
            if partial:
                with suppress(OSError):
                    partial.unlink()

    def _place_for(self, copy: Path) -> Path:
        make_folder(copy.parent)
        tighten(copy.parent)
        remove_unfinished(self._settings)
        return partial_of(copy)

    def _is_split(self, record: Record) -> bool:
        capture = self._store.captures.find(record.session_id) if record.is_capture else None
        return capture is not None and capture.layout == "split"

    def _read(self, task: Task, wanted: Wanted) -> None:
        preparation = Preparation(wanted)
        try:
            with self._lock:
                if task.is_cancelled or self._is_closed:
                    raise StateConflict(CANCELLED)
                self._running = (task, preparation)
            for found in preparation.events():
                task.sides = task.sides or [bytearray() for _ in found.peaks]
                for side, peaks in zip(task.sides, found.peaks, strict=True):
                    side += peaks
                task.ticks_per_second, task.progress = found.ticks_per_second, found.progress
        finally:
            preparation.end()

    def _keep(self, task: Task, copy: Path | None) -> None:
        """Store what was made, unless the record was deleted meanwhile or has another recording."""
        with self._library.alone():
            record = self._store.records.get(task.record.id)
            if record.sha256 != task.record.sha256:
                raise StateConflict("The recording has changed meanwhile.")
            sides = tuple(map(bytes, task.sides))
            self._store.waveforms.save(record.id, Waveform(task.ticks_per_second, sides, record.sha256))
            if copy:
                partial_of(copy).replace(copy)
                make_room(self._settings, copy)


def _key(kind: Kind, record: Record) -> Key:
    return kind, record.id, record.sha256
