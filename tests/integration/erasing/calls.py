"""Calls with words that can be searched for in raw bytes, and what is left of them."""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

from archive.library import Library
from capture_worker.wav import WavWriter
from shared.files import Fingerprint, sha256_of
from shared.loudness import SideLevels
from shared.settings import Settings
from shared.store.captures import Captures
from shared.store.claims import Failure
from shared.store.store import Store
from tests.tables import (
    Erasure,
    ExpectedReceipt,
    InboxFile,
    Record,
    Scrub,
    said,
    windows,
)
from transcribe_worker.inbox.sweep import ADOPTED, COPY

DAY_SECONDS = 86_400.0


DEAD = "capture-000000000000"


CANDIDATE = "K-7731-lindqvist"


#: No two begin alike: the search index writes down only in what a word differs from the one before.
SAID = ("quixotic", "bandoneon", "zymurgy", "vexillology", "jackdaw")


TITLE = "Hollingsworthy"


FORGOTTEN = (*SAID, TITLE, CANDIDATE)


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def make_call(settings: Settings, store: Store, title: str, *words: str, **columns: Any) -> Record:
    """A call that was recorded, failed once with its name in the error, and is transcribed and archived."""
    path = settings.inbox / f"{title}.wav"
    path.write_bytes(f"{title} {words}".encode() * 50)
    content = {"sha256": sha256_of(path), **fingerprint(path)}
    session_id = str(uuid.uuid4())
    captures = store.captures
    captures.begin(session_id, path, title=title, layout="mono", started_at=1.0, worker_id=DEAD, **columns)
    captures.note(
        session_id, {"duration_seconds": 8.0}, {0: SideLevels(50, b"m" * 400, b"l" * 400, b"e" * 16)}
    )
    record = captures.queue(session_id, content)
    InboxFile.create(path=str(path), outcome=ADOPTED, record=record.id, **fingerprint(path))
    first = store.claims.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert first
    store.claims.retry_later(first, Failure("OSError", f"{path} cannot be read."), wait_seconds=-1)
    claim = store.claims.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    spoken = [segment(number, word) for number, word in enumerate(words)]
    window = {"start_seconds": 0.0, "end_seconds": 8.0, "stretch_seconds": 0.0, "segments": spoken}
    store.claims.save_windows(claim, windows([window]))
    done = store.claims.complete(claim, said(spoken), duration_seconds=8.0, language="en")
    Library(settings, store).archive(done)
    return store.records.get(done.id)


def segment(number: int, word: str) -> dict[str, Any]:
    return {
        "start_seconds": float(number),
        "end_seconds": number + 1.0,
        "text": f"They spoke of {word} and of the weather.",
        "words": [[float(number), number + 0.5, f" {word}", 0.9]],
    }


def fingerprint(path: Path) -> dict[str, int]:
    found = Fingerprint.of(path)
    return {"size_bytes": found.size_bytes, "modified_ns": found.modified_ns}


def the_call(settings: Settings, store: Store, others: int = 12) -> Record:
    """The call that is to be forgotten, with a copy in the inbox, between others that are to stay."""
    for number in range(others):
        make_call(settings, store, f"Before {number}", *(f"harbour{number}x{n}" for n in range(20)))
    record = make_call(settings, store, TITLE, *SAID, candidate_id=CANDIDATE)
    copy = settings.inbox / f"{TITLE} again.wav"
    shutil.copyfile(record.recording_path, copy)
    InboxFile.create(path=str(copy), outcome=COPY, record=record.id, **fingerprint(copy))
    for number in range(others):
        make_call(settings, store, f"After {number}", *(f"meadow{number}x{n}" for n in range(20)))
    return record


def dead_capture(settings: Settings, captures: Captures, state: str, **columns: Any) -> Path:
    """A recording whose recorder has died in the middle of it."""
    session_id = str(uuid.uuid4())
    part = settings.recording / f"{session_id}.part"
    with closing(WavWriter(part, 1)) as writer:
        writer.write(b"\1\0" * 16_000)
    place = settings.inbox / f"Call {session_id[:8]}.wav"
    given = {
        "title": TITLE,
        "layout": "mono",
        "started_at": 1.0,
        "worker_id": DEAD,
        "candidate_id": CANDIDATE,
    }
    captures.begin(session_id, place, **{**given, **columns})
    captures.change(session_id, state=state)
    return part


def notes() -> list[str]:
    """What is still to be done."""
    marks = [f"erase:{row.record_id}" for row in Erasure.select()]
    receipts = [f"receipt:{row.name}" for row in ExpectedReceipt.select()]
    return sorted([*marks, *receipts, *(["scrub"] if Scrub.select().count() else [])])


def state_of(settings: Settings) -> tuple[list[str], dict[str, bytes]]:
    """Every row of the database, and every byte of every other file but the reserve of room."""
    with closing(sqlite3.connect(settings.database_file)) as connection:
        rows = list(connection.iterdump())
    files = (path for path in settings.home.rglob("*") if path.is_file())
    others = (path for path in files if not path.name.startswith("offhook.db") and path.name != "reserve")
    return rows, {str(path): path.read_bytes() for path in others}
