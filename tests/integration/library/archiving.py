"""Completed recordings, and how they stand in the library."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from archive.exports import IN_LIBRARY
from shared.files import Fingerprint, sha256_of
from shared.settings import Settings
from shared.store.store import Store
from tests.stage import ROOT
from tests.tables import Record, said

WORDS = "Good morning."


# Archives a recording and dies just before the step whose number is given: a change to the file system, or
# (after the last of them, or when the number is -1) the note in the database.
ARCHIVER = """
import os, sys
from pathlib import Path
from shared.store.store import Store
from shared.settings import Settings
from archive.library import Library

CHANGES = {"os.mkdir", "os.rename", "os.remove"}
left = int(sys.argv[3])

def die_in_time():
    global left
    if left == 0:
        os._exit(9)
    left -= 1

def notice(event, arguments):
    writes = event == "open" and arguments[0] and str(arguments[0]).endswith(".part")
    if writes or event in CHANGES:
        die_in_time()

settings = Settings(home=Path(sys.argv[1]))
store = Store.of_home(settings)
note = store.places.mark_archived

def mark_archived(*arguments, **columns):
    if left < 0:
        os._exit(9)
    die_in_time()
    note(*arguments, **columns)

store.places.mark_archived = mark_archived

record = store.records.get(int(sys.argv[2]))
sys.addaudithook(notice)
Library(settings, store).archive(record)
"""


def put(folder: Path, name: str = "Call.wav", content: bytes = b"the recording") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def completed(store: Store, path: Path, title: str | None = None) -> Record:
    """The record of a recording that has been transcribed and not been archived."""
    record = store.records.add(
        source="inbox",
        title=path.stem if title is None else title,
        recording_path=str(path),
        sha256=sha256_of(path),
        **asdict(Fingerprint.of(path)),
    )
    return completed_again(store, record)


def completed_again(store: Store, record: Record) -> Record:
    claim = store.claims.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    return store.claims.complete(claim, said([{"start_seconds": 0.0, "end_seconds": 1.0, "text": WORDS}]))


def tree(folder: Path) -> dict[str, bytes]:
    """Every file under a folder with its content."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def assert_archived(store: Store, settings: Settings, record_id: int, content: bytes) -> None:
    record = store.records.get(record_id)
    stem = settings.library / record.library_stem
    assert record.archived_at is not None
    assert Path(record.recording_path).parent == stem.parent
    assert Path(record.recording_path).read_bytes() == content
    for suffix in IN_LIBRARY:
        assert WORDS in stem.with_name(f"{stem.name}.{suffix}").read_text("utf-8")


def die_at(settings: Settings, record: Record, step: int) -> bool:
    """Archive in a process that dies before a step; False if there are fewer steps."""
    command = [sys.executable, "-c", ARCHIVER, str(settings.home), str(record.id), str(step)]
    process = subprocess.run(command, cwd=ROOT, timeout=60)
    assert process.returncode in (0, 9)
    return process.returncode == 9
