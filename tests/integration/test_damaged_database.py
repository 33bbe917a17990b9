"""Values and tables that offhook did not leave so are named, with what brings them back."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from archive.library import Library
from shared.settings import Settings
from shared.store.sqlite.inspection import damaged_values, schema_oddities
from shared.store.store import Store
from tests.integration.commands.calling import FAULT, Cli, in_a_process
from tests.stage import Stage
from tests.tables import said

DEEP = "[" * 989 + "]" * 989
READING = (("list",), ("show", "1"), ("status",), ("list", "--json"), ("show", "1", "--json"))
#: A statement, and what is said of the value.
DAMAGE = {
    "deep flags": (f"UPDATE call_records SET flags = '{DEEP}'", "recording 1 has flags"),
    "deep options": (f"UPDATE call_records SET options = '{DEEP}'", "recording 1 has options"),
    "options of another type": ("UPDATE call_records SET options = '[]'", "recording 1 has options"),
    "flags that are no JSON": ("UPDATE call_records SET flags = 'x'", "recording 1 has flags"),
    "time as text": ("UPDATE call_records SET created_at = 'yesterday'", "recording 1 has a created_at"),
    "length as text": (
        "UPDATE call_records SET duration_seconds = 'long'",
        "recording 1 has a duration_seconds",
    ),
    "title as bytes": ("UPDATE call_records SET title = x'4142'", "recording 1 has a title"),
    "engines": (
        "INSERT INTO workers (id, kind, pid, state, started_at, last_seen_at, engines)"
        " VALUES ('w', 'worker', 1, 'ready', 1, 1, '{')",
        "row 1 in workers",
    ),
    "words": ("UPDATE segments SET words = '{]'", "a row in segments of recording 1"),
}


@pytest.fixture
def done(settings: Settings) -> Stage:
    """A home with a transcript in its library."""
    path = settings.inbox / "call.wav"
    path.write_bytes(b"RIFF")
    with Store.of_home(settings) as store:
        record = store.records.add(source="inbox", title="call", recording_path=str(path))
        claim = store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
        assert claim
        segments = said([{"start_seconds": 0.0, "end_seconds": 1.0, "text": "Good morning."}])
        Library(settings, store).archive(store.claims.complete(claim, segments, duration_seconds=1.0))
    return Stage(settings.home)


def change(stage: Stage, script: str) -> None:
    """Run statements in the database."""
    with closing(sqlite3.connect(stage.home / "offhook.db")) as database:
        database.executescript(script)


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_value_is_named_with_its_recording_and_is_no_fault_of_ours(done: Stage, case: str) -> None:
    statement, named = DAMAGE[case]
    change(done, statement)
    offhook = in_a_process(done) if DEEP in statement else Cli(done.home)
    for command in READING:
        told = offhook(*command)
        assert FAULT not in told.err
        assert told.code == 0 or named in told.err, (command, told.err)
    advice = offhook("doctor").out
    assert named in advice
    assert "Delete that recording, or restore a backup." in advice
    assert offhook("delete", "1", "--yes").code == 0
    assert done.records() == []


def test_a_database_that_a_worker_uses_is_sound(stage: Stage) -> None:
    with stage.process("transcribe_worker"):
        stage.wait_for(lambda: "lane" in stage.offhook("status").stdout, "the worker's engine")
        assert "✓ database" in stage.offhook("doctor").stdout
        assert damaged_values(stage.database) == []


@pytest.mark.parametrize("table", ["segments", "loudness", "inbox_files", "segments_search"])
def test_doctor_finds_a_table_that_is_missing(done: Stage, table: str) -> None:
    change(done, f"DROP TABLE {table}")
    advice = done.offhook("doctor")
    assert advice.returncode == 1
    assert "is not as offhook made it" in advice.stdout or "cannot be used: no such table" in advice.stdout
    assert "restore a backup" in advice.stdout


def test_doctor_finds_the_transcripts_that_an_emptied_database_has_lost(done: Stage) -> None:
    assert "every transcript in it has its recording" in done.offhook("doctor").stdout
    for path in done.home.glob("offhook.db*"):
        path.unlink()
    advice = done.offhook("doctor")
    assert advice.returncode == 1
    assert "1 transcript in" in advice.stdout
    assert "restore a backup" in advice.stdout


def test_a_sound_database_has_no_damage(done: Stage, tmp_path: Path) -> None:
    found: list[Any] = [damaged_values(done.home / "offhook.db"), schema_oddities(done.home / "offhook.db")]
    assert found == [[], []]
    shutil.rmtree(done.home)
    assert damaged_values(done.home / "offhook.db") == []
