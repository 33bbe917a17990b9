"""A database that was used since an older version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from peewee import SqliteDatabase

from offhook.desk.search import find
from shared.store import migrations
from shared.store.captures import Captures
from shared.store.migrations import MIGRATIONS, migrate
from shared.store.records import Records
from shared.store.sqlite import open_database
from shared.store.transitions import STATES
from tests.integration.migrations.databases import NAMES, applied, query, schema, tables

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
