"""A backup that somebody has made up is refused before anything is written, and nothing in it runs."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from archive.backup import names
from archive.backup.manifest import NAME
from shared.files import sha256_of
from shared.store.sqlite.inspection import is_session_id, oddities
from tests.integration.backup.homes import WAITS, Home
from tests.integration.commands.calling import FAULT, Cli, in_a_process
from tests.stage import Stage

#: What an attacker does to the database of a backup.
STATEMENTS = {
    "trigger": "CREATE TRIGGER t AFTER INSERT ON segments BEGIN DELETE FROM call_records; END",
    "view": "CREATE VIEW v AS SELECT * FROM segments",
    "view in the place of a table": "ALTER TABLE workers RENAME TO w; CREATE VIEW workers AS SELECT * FROM w",
    "index on an expression": "CREATE INDEX i ON segments (lower(text))",
    "table": "CREATE TABLE more (a)",
    "virtual table": "CREATE VIRTUAL TABLE more USING fts5(a)",
    "column": "ALTER TABLE call_records ADD COLUMN more TEXT DEFAULT 'x'",
    "lost table": "DROP TABLE loudness",
    "trigger under the name of one we had": "CREATE TRIGGER segments_search_delete"
    " AFTER DELETE ON segments BEGIN DELETE FROM call_records; END",
    "our index changed": "DROP INDEX record_unfiled;"
    " CREATE INDEX record_unfiled ON call_records (lower(title))",
    "session that climbs": "UPDATE captures SET session_id = '../../victim'",
    "session of a record": "UPDATE call_records SET session_id = '../victim' WHERE id = 1",
    "capture path that climbs": "UPDATE captures SET recording_path = '/srv/offhook/inbox/../../victim.wav'",
    "record path that climbs": "UPDATE call_records SET recording_path = '/srv/../victim.wav' WHERE id = 1",
    "relative path": "UPDATE captures SET recording_path = 'victim.wav'",
    "stem that climbs": "UPDATE call_records SET library_stem = '../../victim' WHERE id = 1",
    "stem of Windows": "UPDATE call_records SET library_stem = '..\\..\\victim' WHERE id = 1",
    "text as a number": "UPDATE call_records SET created_at = 'now' WHERE id = 1",
    "text as bytes": "UPDATE call_records SET title = x'00ff' WHERE id = 1",
    "a step of the schema that is missing": "DELETE FROM migrations WHERE name = '0003_search'",
}


def change_database(backup: Path, script: str) -> None:
    """Run statements in the database of a backup, and make its manifest fit."""
    path = backup / "offhook.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(f"PRAGMA foreign_keys = OFF; {script}")
    found = path.stat()
    entry = {"size_bytes": found.st_size, "modified_ns": found.st_mtime_ns, "sha256": sha256_of(path)}
    add_entry(backup, "offhook.db", entry)


def add_entry(backup: Path, name: str, entry: dict[str, Any]) -> None:
    """Name a file in the manifest of a backup."""
    manifest = json.loads((backup / NAME).read_text("utf-8"))
    manifest["files"][name] = entry
    (backup / NAME).write_text(json.dumps(manifest), "utf-8")


def refused(backup: Path, home: Path, apart: bool = False) -> str:
    """Restore, apart or in this process: it is refused and writes nothing. Return the message."""

    def around() -> set[Path]:
        return set(home.parent.rglob("*"))

    before = around()
    done = in_a_process(Stage(home))("restore", backup) if apart else Cli(home)("restore", backup)
    assert done.code == 1
    assert FAULT not in done.err
    assert around() == before
    return done.err


@pytest.mark.parametrize("script", STATEMENTS.values(), ids=STATEMENTS)
def test_a_database_that_offhook_would_not_have_written_is_refused(
    backup: Path, tmp_path: Path, script: str
) -> None:
    change_database(backup, script)
    assert "was not written by offhook" in refused(backup, tmp_path / "new")


NAMES = [
    *(
        "offhook.db-journal",
        "offhook.db-wal",
        "./offhook.db",
        "inbox//x.wav",
        "inbox/./x.wav",
        "a/../inbox/x",
    ),
    *("OFFHOOK.DB", "offhook.db.", "offhook.db ", "offhook.db::$DATA", "\uff4fffhook.db", "Config.toml"),
    *("LOCKS/x.lock", "locks./x.lock", "Queue.db", "control.json ", "/etc/x", "../x", "restore.part/x"),
    *("/".join("d" * 65), "inbox/" + "n" * 5000),
]


@pytest.mark.parametrize("name", NAMES, ids=[name[:24] for name in NAMES])
def test_a_name_that_stands_for_another_file_is_refused(backup: Path, tmp_path: Path, name: str) -> None:
    add_entry(backup, name, {"size_bytes": 1, "modified_ns": 1, "sha256": "0" * 64})
    assert "is damaged" in refused(backup, tmp_path / "new")


ENTRIES = {
    "negative size": {"size_bytes": -1, "modified_ns": 1, "sha256": "0"},
    "endless time": {"size_bytes": 1, "modified_ns": 1 << 80, "sha256": "0"},
    "text as size": {"size_bytes": "1", "modified_ns": 1, "sha256": "0"},
}


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_an_entry_that_no_file_has_is_refused(backup: Path, tmp_path: Path, entry: dict[str, Any]) -> None:
    add_entry(backup, "inbox/x.wav", entry)
    assert "is damaged" in refused(backup, tmp_path / "new")


@pytest.mark.parametrize("depth", [900, 989, 5000, 200_000])
def test_a_manifest_that_is_nested_too_deeply_is_refused(backup: Path, tmp_path: Path, depth: int) -> None:
    (backup / NAME).write_text('{"format": 1, "files": ' + "[" * depth + "]" * depth + "}")
    assert "is damaged" in refused(backup, tmp_path / "new", apart=True)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes in folders")
def test_a_manifest_that_is_a_pipe_or_huge_is_refused_at_once(backup: Path, tmp_path: Path) -> None:
    (backup / NAME).unlink()
    os.mkfifo(backup / NAME)
    assert "is damaged" in refused(backup, tmp_path / "new", apart=True)
    (backup / NAME).unlink()
    with (backup / NAME).open("wb") as file:
        file.truncate(10_000_000_000)
    assert "is damaged" in refused(backup, tmp_path / "new", apart=True)


def test_names_that_one_disk_takes_for_the_same_are_found() -> None:
    assert names.clashes(["a/B", "a/b"]) == [("a/B", "a/b")]
    assert names.clashes(["\u00e9", "e\u0301"]) == [("\u00e9", "e\u0301")]
    assert names.clashes(["a", "A /b"]) == [("a", "A /b")]
    assert names.clashes(["a", "b/a", "c.", "d"]) == []
    assert all(map(names.impossible_on_windows, ("inbox/CON.wav", "a:b", "x./y", "x ", "LPT1")))
    assert not names.impossible_on_windows("inbox/Call 2026-11-29 10.00.00.wav")


def test_names_that_differ_in_case_alone_come_back_where_the_disk_keeps_them_apart(
    home: Home, tmp_path: Path
) -> None:
    if names.folds(tmp_path):
        pytest.skip("this disk takes such names for the same")
    home.queued("Call", b"one")
    home.queued("call", b"two")
    backup = home.back_up(tmp_path / "backups").path
    home.close()
    assert Stage(tmp_path / "new").offhook("restore", backup).returncode == 0
    assert {path.read_bytes() for path in (tmp_path / "new" / "inbox").iterdir()} == {b"one", b"two"}


def test_a_recording_that_was_to_go_elsewhere_goes_to_the_inbox_of_its_new_home(
    backup: Path, tmp_path: Path
) -> None:
    victim = tmp_path / "victim" / ".bashrc"
    change_database(backup, f"UPDATE captures SET recording_path = '{victim}', state = 'ended'")
    stage = Stage(tmp_path / "new", (("OFFHOOK_MICROPHONE", "none"), ("OFFHOOK_LOOPBACK", "none")))
    assert stage.offhook("restore", backup).returncode == 0
    part = stage.home / "recording" / f"{WAITS}.part"
    assert part.exists()
    with stage.process("capture_worker"):
        stage.wait_for(lambda: not part.exists(), "the recording to be handed over")
    assert not victim.parent.exists()
    assert [path.name for path in stage.inbox.glob("*bashrc*")] == ["bashrc.wav"]


def test_a_sound_backup_has_no_oddities(backup: Path) -> None:
    assert oddities(backup / "offhook.db") == []
    assert is_session_id(WAITS)
    assert not is_session_id(f"{WAITS}/../x")
