"""A database of any age is brought up to date, whole or not at all; one from the future is left alone."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from peewee import SqliteDatabase

from offhook.desk.search import find
from shared.errors import NewerDatabase
from shared.store import migrations
from shared.store.captures import Captures
from shared.store.migrations import MIGRATIONS, Execute, Migration, migrate
from shared.store.models import MODELS
from shared.store.records import Records
from shared.store.sqlite import open_database, switch_to_wal
from shared.store.transitions import STATES

ROOT = Path(__file__).parents[2]
NAMES = [migration.name for migration in MIGRATIONS]

OPEN_AT = """
import sys, time
from pathlib import Path
from shared.store.sqlite import open_database
print("up", flush=True)
sys.stdin.readline()
while time.time() < float(sys.argv[2]): pass
open_database(Path(sys.argv[1])).close()
"""

KILLED_HALF_WAY = """
import os, signal, sys
from pathlib import Path
from offhook.desk.search import find
from shared.store import migrations
from shared.store.captures import Captures
from shared.store.sqlite import open_database

def die(execute):
    execute("CREATE TABLE half (id INTEGER)")
    execute("INSERT INTO half VALUES (1)")
    execute("UPDATE controls SET value = 'half'")
    os.kill(os.getpid(), signal.SIGKILL)

migrations.MIGRATIONS += (migrations.Migration("9000_dies", die),)
open_database(Path(sys.argv[1]))
"""

WRITTEN_BY_A_NEWER_OFFHOOK_THAT_WAS_KILLED = """
import os, signal, sys
from pathlib import Path
from offhook.desk.search import find
from shared.store import migrations
from shared.store.captures import Captures
from shared.store.sqlite import open_database

migrations.MIGRATIONS += (
    migrations.Migration("9000_future", lambda execute: execute("CREATE TABLE future (word TEXT)")),
)
database = open_database(Path(sys.argv[1]))
database.execute_sql("INSERT INTO future VALUES ('kept')")
os.kill(os.getpid(), signal.SIGKILL)
"""


#: What every table has in a database that was used, by the columns that it was released with.
USED: dict[str, list[dict[str, object]]] = {
    "call_records": [
        {
            **{"id": number, "session_id": f"session-{number}", "source": "inbox", "title": f"Größe {state}"},
            **{"candidate_id": "C-17", "project_id": "P-3", "recording_path": f"/inbox/{state}.wav"},
            **{"sha256": f"{number:064}", "size_bytes": 2**33, "modified_ns": 1795649984920632390 + number},
            **{"duration_seconds": 12.5, "flags": '["cut_short"]', "options": '{"beam_size": 2}'},
            **{
                "transcription_status": state,
                "priority": number,
                "attempts": 2,
                "crashes": 1,
                "progress": 0.5,
            },
            **{"transcription_error": "It is empty.", "error_code": "empty_file", "speed": 4.0},
            **{"language": "de", "model": "tiny.en", "next_attempt_at": 0.0, "created_at": 1.5},
            **{"library_stem": f"2026/11/{state}", "filed_at": 3.0, "started_at": 2.0, "completed_at": 3.0},
            **{name: name for name in ("claim_token", "worker_id") if state == "processing"},
            **({"lease_expires_at": 9.0} if state == "processing" else {}),
        }
        for number, state in enumerate(STATES, 1)
    ],
    "decoded_windows": [
        {
            "id": 1,
            "record_id": 2,
            "start_seconds": 0.0,
            "end_seconds": 20.5,
            "stretch_seconds": 0.0,
            "segments": "[]",
        }
    ],
    "segments": [
        {
            **{
                "id": number,
                "record_id": 3,
                "start_seconds": number,
                "end_seconds": number + 0.5,
                "text": text,
            },
            **{"average_log_probability": -0.1, "no_speech_probability": 0.0, "compression_ratio": 1.0},
            "words": json.dumps([[0.0, 0.5, f" {text}", 0.9]]),
        }
        for number, text in enumerate(("Guten Morgen, Frau Zwetschgenmann.", "Grüße nach Łódź."), 1)
    ],
    "inbox_files": [
        {
            "path": "/inbox/queued.wav",
            "size_bytes": 1,
            "modified_ns": 1,
            "outcome": "adopted",
            "record_id": 1,
        },
        {
            "path": "/inbox/odd.wav",
            "size_bytes": 1,
            "modified_ns": 1,
            "outcome": "unreadable",
            "record_id": None,
        },
    ],
    "workers": [
        {"id": "w", "kind": "worker", "pid": 1, "state": "working", "started_at": 1.0, "last_seen_at": 2.0}
    ],
    "controls": [{"name": "paused", "value": "true"}],
    "captures": [
        {
            **{
                "session_id": session_id,
                "state": state,
                "title": "Call",
                "candidate_id": "C",
                "project_id": None,
            },
            **{
                "recording_path": f"/inbox/{state}.wav",
                "layout": "split",
                "worker_id": "c",
                "started_at": 1.0,
            },
            **{"duration_seconds": 60.0, "verdict": '{"reason": "asked"}'},
        }
        for session_id, state in (("session-3", "queued"), ("other", "waiting"))
    ],
    "loudness": [
        {"session_id": "session-3", "minute": minute, "microphone": b"\x00\xff", "loopback": b"\x10"}
        for minute in (0, 1)
    ],
}
RELEASES = range(1, len(MIGRATIONS) + 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "offhook.db"


def run(code: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=30
    )


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def tables(path: Path) -> set[object]:
    return {name for (name,) in query(path, "SELECT name FROM sqlite_master WHERE type = 'table'")}


def applied(path: Path) -> list[object]:
    return [name for (name,) in query(path, "SELECT name FROM migrations ORDER BY rowid")]


def schema(path: Path) -> dict[object, object]:
    """Describe each table by what SQLite makes of it, in an order that means nothing."""
    names = {str(name) for name in tables(path)} - {"migrations"}
    return {name: _table(path, name) for name in names if not name.startswith(("segments_search", "sqlite_"))}


def _table(path: Path, name: str) -> dict[str, object]:
    indexes = {
        (index, unique, origin, partial): query(path, f'PRAGMA index_xinfo("{index}")')
        for _, index, unique, origin, partial in query(path, f'PRAGMA index_list("{name}")')
    }
    keys = query(path, f'PRAGMA foreign_key_list("{name}")')
    return {"columns": query(path, f'PRAGMA table_xinfo("{name}")'), "indexes": indexes, "keys": keys}


def with_another(apply: Callable[[Execute], object]) -> tuple[Migration, ...]:
    return (*MIGRATIONS, Migration("9000_another", lambda execute: void(apply(execute))))


def void(_: object) -> None:
    return None


# Up to date


def test_migrating_an_empty_file_gives_what_the_models_describe(path: Path, tmp_path: Path):
    open_database(path).close()
    modelled = SqliteDatabase(str(tmp_path / "modelled.db"))
    with modelled.bind_ctx(MODELS):
        modelled.create_tables(MODELS, safe=False)
    modelled.close()

    migrated, expected = schema(path), schema(tmp_path / "modelled.db")

    assert migrated.keys() == expected.keys() == {model._meta.table_name for model in MODELS}
    for table in expected:
        assert migrated[table] == expected[table], table


def test_every_migration_is_written_down_in_its_order(path: Path):
    open_database(path).close()

    assert applied(path) == NAMES == sorted(NAMES)


def test_migrating_a_second_time_does_nothing(path: Path):
    database = open_database(path)
    before = list(database.connection().iterdump())

    assert migrate(database) == []
    assert list(database.connection().iterdump()) == before
    database.close()


def test_opening_a_second_time_changes_no_byte(path: Path):
    open_database(path).close()
    before = path.read_bytes()

    open_database(path).close()

    assert path.read_bytes() == before


def test_a_database_that_is_up_to_date_opens_while_another_process_writes(path: Path):
    open_database(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        before = time.monotonic()
        open_database(path).close()

        assert time.monotonic() - before < 1.0


def test_only_what_is_missing_is_applied_and_nothing_that_was_there_is_lost(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    database = open_database(path)
    record = Records(database).add(source="inbox", title="kept", recording_path="/kept.wav")
    longer = with_another(lambda execute: execute("CREATE TABLE another (id INTEGER)"))
    monkeypatch.setattr(migrations, "MIGRATIONS", longer)

    assert migrate(database) == ["9000_another"]
    assert Records(database).get(record.id).title == "kept"
    assert applied(path) == [*NAMES, "9000_another"]
    database.close()


def test_an_opened_database_survives_a_power_cut_and_waits_for_its_turn(path: Path):
    database = open_database(path)

    def pragma(name: str) -> object:
        return database.execute_sql(f"PRAGMA {name}").fetchone()[0]

    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == 2
    assert pragma("foreign_keys") == 1
    assert pragma("busy_timeout") >= 30_000
    database.close()


# In use since an older version


def used_since(path: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Make a database with the first migrations alone and fill each of its tables; return their names."""
    database = SqliteDatabase(str(path), lock_type="IMMEDIATE", pragmas={"foreign_keys": 1})
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", MIGRATIONS[:count])
        migrate(database)
    own = {str(name) for name in tables(path) if not str(name).startswith(("segments_search", "sqlite_"))}
    filled = {name: rows for name, rows in USED.items() if name in own}
    for name, rows in filled.items():
        for row in rows:
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            database.execute_sql(f"INSERT INTO {name} ({names}) VALUES ({marks})", tuple(row.values()))
    database.close()
    assert own == {*filled, "migrations"}
    return set(filled)


@pytest.mark.parametrize("count", RELEASES)
def test_nothing_is_lost_of_a_database_that_was_used_since_any_older_version(
    path: Path, count: int, monkeypatch: pytest.MonkeyPatch
):
    filled = used_since(path, count, monkeypatch)

    open_database(path).close()

    assert applied(path) == NAMES
    for name in filled:
        columns = list(USED[name][0])
        expected = [tuple(row.get(column) for column in columns) for row in USED[name]]
        assert query(path, f"SELECT {', '.join(columns)} FROM {name} ORDER BY rowid") == expected, name
    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    assert query(path, "PRAGMA foreign_key_check") == []


@pytest.mark.parametrize("count", RELEASES)
def test_a_database_that_was_used_since_any_older_version_has_the_schema_of_a_new_one(
    path: Path, tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch
):
    used_since(path, count, monkeypatch)
    open_database(tmp_path / "new.db").close()

    open_database(path).close()

    assert schema(path) == schema(tmp_path / "new.db")


@pytest.mark.parametrize(
    "count", [count for count in RELEASES if count >= NAMES.index("0002_transcripts") + 1]
)
def test_old_words_are_found_and_go_with_their_recording(
    path: Path, count: int, monkeypatch: pytest.MonkeyPatch
):
    used_since(path, count, monkeypatch)

    database = open_database(path)
    try:
        assert [hit.title for hit in find(database, "zwetschgen*", 9)] == ["Größe completed"]
        assert [hit.record_id for hit in find(database, "GRUßE", 9)] == [3]
        Records(database).delete(3)
        assert find(database, "zwetschgen*", 9) == []
        database.execute_sql("INSERT INTO segments_search (segments_search) VALUES ('integrity-check')")
    finally:
        database.close()


@pytest.mark.parametrize("count", RELEASES)
def test_work_goes_on_in_a_database_that_was_used_since_any_older_version(
    path: Path, count: int, monkeypatch: pytest.MonkeyPatch
):
    filled = used_since(path, count, monkeypatch)

    database = open_database(path)
    try:
        records = Records(database)
        assert records.paused() == ("controls" in filled)
        claim = records.claim(1, worker_id="w", model="tiny.en", lease_seconds=60)
        assert claim is not None
        records.complete(claim, [{"start_seconds": 0.0, "end_seconds": 1.0, "text": "Neue Worte"}])
        assert [hit.record_id for hit in find(database, "neue worte", 9)] == [1]
        verdict = Captures(database).verdict("session-3")
        assert verdict == ({"reason": "asked"} if "captures" in filled else None)
    finally:
        database.close()


# Two at once


def test_processes_that_open_a_fresh_database_at_once_all_succeed(tmp_path: Path):
    paths = [tmp_path / f"{number}.db" for number in range(2)]
    for path in paths:
        openers = [
            subprocess.Popen(
                [sys.executable, "-c", OPEN_AT, str(path), str(time.time() + 0.5)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        results = [opener.communicate("go\n", timeout=30) for opener in openers]

        assert [opener.returncode for opener in openers] == [0, 0], results
        assert applied(path) == NAMES


# Half-way


def test_a_migration_that_fails_half_way_leaves_nothing_of_itself(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(execute: Execute) -> None:
        execute("CREATE TABLE half (id INTEGER)")
        execute("ALTER TABLE controls ADD COLUMN half INTEGER")
        raise RuntimeError("half-way")

    open_database(path).close()
    before = schema(path)
    monkeypatch.setattr(migrations, "MIGRATIONS", with_another(fail))

    database = SqliteDatabase(str(path), lock_type="IMMEDIATE")
    with pytest.raises(RuntimeError, match="half-way"):
        migrate(database)
    database.close()

    assert schema(path) == before
    assert applied(path) == NAMES


def test_what_came_before_a_failing_migration_stays_and_the_next_start_goes_on_there(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(execute: Execute) -> None:
        raise RuntimeError("half-way")

    failing = (*MIGRATIONS[:2], Migration(MIGRATIONS[2].name, fail), *MIGRATIONS[3:])
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", failing)
        database = SqliteDatabase(str(path), lock_type="IMMEDIATE")
        with pytest.raises(RuntimeError, match="half-way"):
            migrate(database)
        assert applied(path) == NAMES[:2]

    assert migrate(database) == NAMES[2:]
    database.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("fresh", [True, False], ids=["fresh", "in use"])
def test_a_process_killed_in_a_migration_leaves_nothing_of_it(path: Path, fresh: bool):
    if not fresh:
        database = open_database(path)
        Records(database).set_paused(True)
        database.close()

    assert run(KILLED_HALF_WAY, path).returncode == -signal.SIGKILL

    open_database(path).close()
    assert "half" not in tables(path)
    assert applied(path) == NAMES
    assert query(path, "SELECT value FROM controls") == ([] if fresh else [("true",)])


# From the future


def add_from_the_future(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO migrations VALUES ('9000_future')")
        connection.commit()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def refuse(path: Path) -> str:
    """Open a database in a process of its own, which has ended when this returns, and return what it says."""
    done = run("import sys; from pathlib import Path; from shared.db import open_database\n" + REFUSED, path)
    assert done.returncode == 0, done.stderr
    return done.stdout


REFUSED = """
from shared.errors import NewerDatabase
try:
    open_database(Path(sys.argv[1]))
except NewerDatabase as error:
    print(error)
"""


def test_a_newer_database_is_refused_with_the_remedy(path: Path):
    open_database(path).close()
    add_from_the_future(path)

    with pytest.raises(NewerDatabase) as caught:
        open_database(path)

    assert str(caught.value) == (
        f"{path} was written by a newer offhook (it has 9000_future). "
        "Nothing was changed; update offhook and try again."
    )


def test_a_newer_database_that_was_closed_keeps_every_byte_and_gets_no_file_beside_it(path: Path):
    open_database(path).close()
    add_from_the_future(path)
    os.utime(path, ns=(0, 0))
    before = digest(path)

    assert "newer offhook" in refuse(path)

    assert digest(path) == before
    assert path.stat().st_mtime_ns == 0
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_a_newer_database_with_some_of_our_migrations_missing_is_not_completed(path: Path):
    open_database(path).close()
    add_from_the_future(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM migrations WHERE name = ?", (NAMES[-1],))
        connection.commit()
    before = digest(path)

    assert "newer offhook" in refuse(path)
    assert digest(path) == before


def test_a_backup_of_a_newer_database_keeps_every_byte(path: Path, tmp_path: Path):
    """VACUUM INTO, the usual way to back up, leaves the copy in rollback mode, not in WAL mode."""
    open_database(path).close()
    add_from_the_future(path)
    backup = tmp_path / "backup.db"
    query(path, f"VACUUM INTO '{backup}'")
    before = digest(backup)

    assert "newer offhook" in refuse(backup)

    assert digest(backup) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_newer_database_whose_writer_was_killed_keeps_what_was_in_its_log(path: Path):
    """Its -wal file holds commits that whoever closes the database last moves over: so no content changes,
    though bytes do move from one file to the other."""
    assert run(WRITTEN_BY_A_NEWER_OFFHOOK_THAT_WAS_KILLED, path).returncode == -signal.SIGKILL
    assert path.with_name("offhook.db-wal").stat().st_size > 0

    assert "newer offhook" in refuse(path)

    assert applied(path) == [*NAMES, "9000_future"]
    assert query(path, "SELECT word FROM future") == [("kept",)]
    assert query(path, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize(
    "module",
    ["offhook status", "offhook list", "transcribe_worker", "transcribe_worker.inbox", "capture_worker"],
)
def test_every_program_refuses_a_newer_database_with_one_line_and_leaves_each_byte(
    tmp_path: Path, module: str
):
    home = tmp_path / "home"
    home.mkdir()
    path = home / "offhook.db"
    open_database(path).close()
    add_from_the_future(path)
    before = digest(path)

    done = subprocess.run(
        [sys.executable, "-m", *module.split()],
        cwd=ROOT,
        env={**os.environ, "OFFHOOK_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("offhook: ")
    assert f"{path} was written by a newer offhook (it has 9000_future)" in line
    assert line.endswith("update offhook and try again.")
    assert digest(path) == before
    assert [found.name for found in home.glob("offhook.db*")] == [path.name]


def test_of_many_that_open_a_fresh_database_at_once_none_is_turned_away(tmp_path: Path):
    errors: list[Exception] = []

    def open_and_close(path: Path, barrier: threading.Barrier) -> None:
        database = SqliteDatabase(str(path), timeout=10)
        database.connect()
        barrier.wait()
        try:
            database.execute_sql("SELECT 1 FROM sqlite_master").fetchall()
            switch_to_wal(database, patience_seconds=10)
        except Exception as error:
            errors.append(error)
        finally:
            database.close()

    for number in range(300):
        together = (tmp_path / f"{number}.db", threading.Barrier(3))
        threads = [threading.Thread(target=open_and_close, args=together) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert errors == []
