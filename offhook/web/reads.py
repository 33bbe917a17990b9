"""Notes who read what in the audit log, in batches and a moment later, so that no answer waits for that.

What is not written yet when the process dies is lost: the reads of its last second.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from offhook.desk.desk import Desk
from shared.errors import StoreError
from shared.logs import DatabaseTrouble
from shared.store.audit import Note
from shared.store.view import View

log = logging.getLogger(__name__)

#: Reads are gathered for this long.
GATHER_SECONDS = 0.4
#: The same read by the same person is noted once in this time.
AGAIN_SECONDS = 300.0
#: Reads that are remembered for that, and that wait for a database which cannot be written.
MOST_REMEMBERED, MOST_WAITING = 10_000, 50_000
SEARCH = "search"


@dataclass(frozen=True)
class Read:
    """What somebody read, and when."""

    view: View
    note: Note
    at: float

    def goes_on_with(self, other: Read) -> bool:
        """Whether it is the search of another one with more typed."""
        return (
            self.note.action == other.note.action == SEARCH
            and self.view == other.view
            and self.note.detail.startswith(other.note.detail)
        )


class Reads:
    """The reads of one server; any thread may add some."""

    def __init__(self, desk: Desk, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._desk, self._monotonic = desk, monotonic
        self._lock, self._wake = threading.Lock(), threading.Event()
        self._waiting: list[Read] = []
        self._noted: OrderedDict[tuple[View, Note], float] = OrderedDict()
        self._thread: threading.Thread | None = None
        self._is_stopped = False
        self._trouble = DatabaseTrouble(log)

    def add(self, view: View, note: Note) -> None:
        """Note a read soon, if it was not noted a short while ago."""
        with self._lock:
            if self._is_known(view, note) or len(self._waiting) >= MOST_WAITING:
                return
            read = Read(view, note, self._desk.store.clock())
            if self._waiting and read.goes_on_with(self._waiting[-1]):
                self._waiting.pop()
            self._waiting.append(read)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="reads", daemon=True)
                self._thread.start()
        self._wake.set()

    def stop(self) -> None:
        """Write what waits, and end."""
        self._is_stopped = True
        self._wake.set()
        if self._thread:
            self._thread.join(5.0)

    def _is_known(self, view: View, note: Note) -> bool:
        key, now = (view, note), self._monotonic()
        noted_at = self._noted.get(key)
        if noted_at is not None and now - noted_at < AGAIN_SECONDS:
            return True
        self._noted[key] = now
        self._noted.move_to_end(key)
        if len(self._noted) > MOST_REMEMBERED:
            self._noted.popitem(last=False)
        return False

    def _run(self) -> None:
        while not self._is_stopped:
            self._wake.wait()
            self._wake.clear()
            if not self._is_stopped:
                time.sleep(GATHER_SECONDS)
            self._write()
        self._desk.store.disconnect()

    def _write(self) -> None:
        with self._lock:
            found, self._waiting = self._waiting, []
        try:
            with self._desk.store.transaction():
                for it in found:
                    self._desk.store.audit.note(it.view, [it.note], it.at)
            self._trouble.is_over()
        except StoreError as error:
            self._trouble.note(error)
            with self._lock:
                self._waiting = found + self._waiting
            if not self._is_stopped:
                time.sleep(GATHER_SECONDS)
                self._wake.set()
