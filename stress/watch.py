"""Measures how soon the recording of a killed worker is claimed again."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

LOOK_SECONDS = 0.025


@contextmanager
def reading(home: Path) -> Iterator[sqlite3.Connection]:
    """Open the database of a home read-only."""
    with closing(sqlite3.connect(f"file:{home / 'offhook.db'}?mode=ro", uri=True, timeout=30)) as database:
        database.row_factory = sqlite3.Row
        yield database


@dataclass
class Watch:
    """A thread that reads the claims; a context manager. It calls `announce` at critical steps.

    `reclaims` has the seconds from the end of a worker to the next claim of its recording. If the next worker
    is killed before that, the count starts again.
    """

    home: Path
    announce: Callable[[str], None]
    reclaims: list[float] = field(default_factory=list)
    waiting: int = 0  # recordings in the queue that have audio
    faults: list[str] = field(default_factory=list)
    _orphans: dict[int, tuple[str, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Watch:
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def note_death(self, moment: float) -> None:
        """Note the recordings of a worker that was killed."""
        with reading(self.home) as database, self._lock:
            for record_id, token in _held(database).items():
                self._orphans[record_id] = (token, moment)
            self._orphans |= {record_id: (token, moment) for record_id, (token, _) in self._orphans.items()}

    def _watch(self) -> None:
        try:
            self._look_on()
        except sqlite3.Error as error:  # it would silently miss slow claims
            self.faults.append(f"the watch has failed: {error}")

    def _look_on(self) -> None:
        held: dict[int, str] = {}
        followed: dict[str, float] = {}
        with reading(self.home) as database:
            while not self._ending.wait(LOOK_SECONDS):
                earlier, followed = followed, _followed(database)
                if any(seconds > earlier.get(call, 0.0) for call, seconds in followed.items()):
                    self.announce("final")
                if set(earlier) - set(followed):
                    self.announce("hung up")
                before, held = held, _held(database)
                if set(held.values()) - set(before.values()):
                    self.announce("claimed")
                if set(before) - set(held):
                    self.announce("let go")
                self._look_for_claims(held)
                self.waiting = database.execute(_WAITING).fetchone()[0]

    def _look_for_claims(self, held: dict[int, str]) -> None:
        now = time.monotonic()
        with self._lock:
            for record_id, (token, died) in list(self._orphans.items()):
                if held.get(record_id, token) != token:
                    self.reclaims.append(now - died)
                    del self._orphans[record_id]


_WAITING = """SELECT count(*) FROM call_records
    WHERE transcription_status = 'queued' AND size_bytes > 10000"""


def _followed(database: sqlite3.Connection) -> dict[str, float]:
    """Return how many seconds are final of each running call."""
    query = """SELECT session_id, final_seconds FROM live_calls JOIN captures USING (session_id)
        WHERE captures.state = 'recording'"""
    return {row["session_id"]: row["final_seconds"] for row in database.execute(query)}


def _held(database: sqlite3.Connection) -> dict[int, str]:
    """Return the claim token of each processing recording."""
    query = "SELECT id, claim_token FROM call_records WHERE transcription_status = 'processing'"
    return {row["id"]: row["claim_token"] for row in database.execute(query)}
