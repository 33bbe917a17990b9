"""A home with recordings of every kind, its backup, and what a restore must bring back."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from archive.backup.make import Backup, back_up
from archive.backup.restore import Restored, restore
from archive.library import Library
from offhook.desk.desk import Desk
from shared.files import Fingerprint, sha256_of
from shared.home import prepare
from shared.settings import Settings
from shared.store.claims import Claim
from shared.store.store import Store
from tests.stage import ROOT, Stage
from tests.tables import InboxFile, Record, said, use

POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")


#: The session of the recording that waits.
WAITS = "6fa459ea-ee8a-4ca4-894e-db77e160355e"
SAID = "Guten Morgen, Frau Zwetschgenmann."


def silent(what: str, done: int, total: int) -> None:
    """Report nothing."""


def put(path: Path, content: bytes) -> dict[str, Any]:
    """Write a recording, and describe its content as a record does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {"sha256": sha256_of(path), **asdict(Fingerprint.of(path))}


class Home:
    """A home, and what happens in it."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(home=folder)
        prepare(self.settings)
        self.desk = Desk({"home": str(folder)})
        self.store = use(self.desk.store)
        self.library = Library(self.settings, self.store)

    def queued(self, name: str, content: bytes | None = None, **columns: Any) -> Record:
        path = self.settings.inbox / f"{name}.wav"
        known = put(path, content or name.encode())
        record = self.store.records.add(
            source="inbox", title=name, recording_path=str(path), **(columns | known)
        )
        InboxFile.create(path=str(path), outcome="adopted", record=record.id, **asdict(Fingerprint.of(path)))
        return record

    def claimed(self, name: str) -> Claim:
        record = self.queued(name)
        claim = self.store.claims.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
        assert claim is not None
        return claim

    def completed(self, name: str) -> Record:
        """A recording in the library, with its transcripts."""
        return self.finish(self.claimed(name))

    def finish(self, claim: Claim) -> Record:
        segment = {"start_seconds": 0.0, "end_seconds": 2.0, "text": SAID}
        done = self.store.claims.complete(claim, said([segment]), duration_seconds=2.0, language="de")
        self.library.archive(done)
        return self.store.records.get(done.id)

    def transcribed(self, record: Record) -> Record:
        """What a worker makes of a queued recording."""
        claim = self.store.claims.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
        assert claim is not None
        return self.finish(claim)

    def waiting_capture(self, session_id: str) -> Path:
        """A stopped recording that waits for somebody to attach or discard it."""
        place = self.settings.inbox / f"Call {session_id}.wav"
        columns = {"title": "Waits", "layout": "mono", "worker_id": "capture-1", "started_at": 1.0}
        self.store.captures.begin(session_id, place, **columns)
        self.store.captures.change(session_id, state="waiting")
        part = self.settings.recording / f"{session_id}.part"
        part.write_bytes(b"said by nobody else")
        return part

    def back_up(self, folder: Path, report: Callable[[str, int, int], None] = silent) -> Backup:
        use(self.store)
        return back_up(self.settings, self.store, folder, report)

    def close(self) -> None:
        self.store.disconnect()


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def assert_whole(backup: Backup) -> None:
    """Every record in the backup has its very file in it, or is listed."""
    listed = {entry.record_id for entry in (*backup.manifest.missing, *backup.manifest.elsewhere)}
    home = Path(backup.manifest.home)
    with closing(sqlite3.connect(backup.path / "offhook.db")) as store, store:
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = store.execute("SELECT id, recording_path, sha256 FROM call_records").fetchall()
    for record_id, path, sha256 in rows:
        if record_id not in listed:
            assert sha256_of(backup.path / Path(path).relative_to(home)) == sha256, path
    for name, entry in backup.manifest.files.items():
        assert sha256_of(backup.path / name) == entry.sha256, name
        assert (backup.path / name).stat().st_size == entry.size_bytes
    assert files(backup.path) == {*backup.manifest.files, "manifest.json"}


def offhook(*arguments: object, home: Path) -> subprocess.CompletedProcess[str]:
    return Stage(home).offhook("--home", home, *map(str, arguments))


def offhook_with_files_of_at_most(size_bytes: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command that finds no room for more than that in a file."""
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size_bytes}, {size_bytes}))"
    command = [sys.executable, "-c", f"{limited}; from offhook.cli import main; main()"]
    return subprocess.run(
        [*command, *map(str, arguments)], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60
    )


def bring_back(backup: Path, home: Path) -> Restored:
    return restore(backup, Settings(home=home), silent)


def assert_restored(new: Path) -> None:
    store = use(Store.open(new / "offhook.db"))
    try:
        records = {record.title: record for record in store.records.every()}
        assert len(records) == 6
        for title, record in records.items():
            path = Path(record.recording_path)
            if title != "outside":
                assert path.is_relative_to(new)
            assert path.read_bytes() == title.encode()
            assert Fingerprint.of(path) == Fingerprint(record.size_bytes or 0, record.modified_ns or 0), title
        assert [hit.title for hit in store.transcripts.search("Zwetschgenmann", 9)] == ["completed"]
    finally:
        store.disconnect()


def seal(backup: Path, manifest: dict[str, Any], *names: str) -> None:
    """Write a manifest that agrees with files that were changed."""
    for name in names:
        path = backup / name
        entry = {"size_bytes": path.stat().st_size, "sha256": sha256_of(path)}
        manifest["files"][name] |= entry
    (backup / "manifest.json").write_text(json.dumps(manifest))
