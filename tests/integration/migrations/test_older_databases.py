"""A database that was used since an older version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from peewee import SqliteDatabase

from shared.store.sqlite import migrations
from shared.store.sqlite.migrations import MIGRATIONS, migrate
from shared.store.store import Store
from shared.store.transitions import STATES
from shared.store.words_index import index_text
from tests.integration.migrations.databases import NAMES, applied, query, schema, tables
from tests.tables import execute, said, use

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
    "controls": [{"name": "paused", "value": "true"}, {"name": "erase:2", "value": "{}"}],
    "erasures": [{"record_id": 2}],
    "expected_receipts": [{"name": "erasure-1.json"}],
    "scrubs": [{"id": 1, "token": "0f", "rewritten": 1}],
    "speaker_labels": [
        {**{"id": 1, "record_id": 3, "first_word": 0, "last_word": 1}, "speaker": "me", "source": "sides"}
    ],
    "speaker_names": [{"record_id": 3, "speaker": "voice 2", "name": "Ms. Okafor"}],
    "voice_turns": [{"id": 1, "record_id": 3, "start_ms": 0, "end_ms": 900, "voice": 2, "probability": 0.9}],
    "speaker_swaps": [{"record_id": 3, "speaker": "me", "other": "them"}],
    "unplaced_overlays": [
        {
            **{"id": 1, "record_id": 3, "kind": "correction", "start_ms": 0, "end_ms": 900, "before": ""},
            **{"heard": "Guten", "after": "Morgen", "text": "Schönen", "made_at": 1.5},
        }
    ],
    "library_files": [{"record_id": 3, "suffix": "txt", "sha256": "0f", "size_bytes": 7}],
    "edits": [{"id": 1, "record_id": 3, "what": "edit", "before": "{}", "made_at": 1.5}],
    "corrections": [
        {
            **{"id": 1, "record_id": 3, "first_word": 0, "last_word": 0, "text": "Guten"},
            **{"source": "person", "made_at": 1.5},
        }
    ],
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
    "access": [
        {"id": 1, "kind": "token", "digest": "0" * 64, "name": "ours", "scopes": "", "created_at": 1.5}
    ],
    "drafts": [{"record_id": 1, "first_word": 0, "base": "b", "text": "Guten", "made_at": 1.5}],
    "notes": [{"id": 1, "record_id": 1, "at_ms": 500, "text": "Ask again", "made_at": 1.5}],
    "waveforms": [{"record_id": 1, "ticks_per_second": 20, "sides": 2, "peaks": b"\x00\x7f"}],
    "deletions": [{"record_id": 2, "due_at": 4e9}],
    "uploads": [
        {
            **{"id": "u", "name": "call.wav", "size_bytes": 2**33, "options": "{}"},
            **{"recording_path": "/inbox/call.wav", "created_at": 1.5},
        }
    ],
    "hooks": [
        {"id": 1, "kind": "url", "target": "https://a.test", "secret": "s", "events": "[]", "created_at": 1.5}
    ],
    "deliveries": [
        {
            **{"id": 1, "hook_id": 1, "record_id": 1, "event": "record.completed", "message_id": "m"},
            **{"state": "waiting", "created_at": 1.5},
        }
    ],
    "live_calls": [
        {
            **{"session_id": "other", "state": "following", "token": "0f", "lease_expires_at": 9.0},
            **{"recipe": "r", "model": "tiny.en", "language": "de", "flags": "[]", "crashes": 1},
            **{"final_seconds": 20.5, "heard_seconds": 21.0, "behind_seconds": 0.0, "updated_at": 1.5},
            **{"provisional": '[[20500, 21000, " Frau", null]]', "revision": 7},
        }
    ],
    "live_windows": [
        {
            **{"id": 1, "session_id": "other", "start_seconds": 0.0, "end_seconds": 20.5},
            **{"stretch_seconds": 0.0, "segments": "[]", "words": '[[0, 500, " Guten", "me"]]'},
        }
    ],
    "people": [{"id": 1, "name": "ada", "shown_name": "Ada", "role": "lead", "created_at": 1.5}],
    "sign_ins": [{"key": "name:ada", "failures": 3, "first_at": 1.5, "blocked_until": 61.5}],
    "audit": [
        {
            **{"id": 1, "at": 1.5, "person_id": 1, "person": "ada", "action": "read", "record_id": 3},
            **{"detail": "", "address": "192.0.2.7"},
        }
    ],
    "machines": [
        {
            **{"host": "0f", "name": "desk-7", "version": "1.0", "device": "cpu", "models": "[]"},
            **{"workers": 1, "draining": 0, "first_seen_at": 1.5, "last_seen_at": 2.5},
        }
    ],
    "tallies": [
        {
            **{"worker_id": "", "host": "0f", "event": "completed", "model": "tiny.en", "error_code": ""},
            **{"count": 3, "audio_seconds": 90.5, "seconds": 10.5},
        }
    ],
    "incoming_calls": [
        {
            **{"session_id": "s", "person_id": 1, "workstation": "0f", "facts": "{}", "size_bytes": 2**33},
            **{"sha256": "0f", "storage_key": "calls/s.wav"},
            **{"created_at": 1.5, "updated_at": 2.5},
        }
    ],
    "object_deletions": [
        {"storage_key": "calls/t.wav", "ordered_at": 1.5, "attempts": 1, "next_attempt_at": 9.0}
    ],
    "outbox": [
        {
            **{"record_id": 1, "state": "sending", "sent_bytes": 2**33, "attempts": 1, "words_seq": 0},
            **{"next_attempt_at": 9.0, "server_progress": 0.5},
        }
    ],
    "outbox_deletions": [{"session_id": "t", "ordered_at": 1.5, "attempts": 1, "next_attempt_at": 9.0}],
    "joined_servers": [
        {
            **{"id": 1, "url": "https://offhook.test", "token": "t", "name": "Team", "person": "Ada"},
            **{"joined_at": 1.5, "after_seq": 7},
        }
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
    if "queue_state" in own:
        database.execute_sql("UPDATE queue_state SET paused = 1")
    if count >= NAMES.index("0012_scripts") + 1:  # from there on the store writes the index, not a trigger
        for row in USED["segments"]:
            prepared = (index_text(str(row["text"])), row["id"])
            database.execute_sql("UPDATE segments SET search_text = ? WHERE id = ?", prepared)
        database.execute_sql("INSERT INTO segments_search (segments_search) VALUES ('rebuild')")
    database.close()
    assert own == {*filled, "migrations"} | (own & {"queue_state", "record_changes"})
    return set(filled)


@pytest.mark.parametrize("count", RELEASES)
def test_nothing_is_lost_of_a_database_that_was_used_since_any_older_version(
    path: Path, count: int, monkeypatch: pytest.MonkeyPatch
):
    filled = used_since(path, count, monkeypatch)

    Store.open(path).disconnect()

    assert applied(path) == NAMES
    for name in filled - {"controls"}:
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
    Store.open(tmp_path / "new.db").disconnect()

    Store.open(path).disconnect()

    assert schema(path) == schema(tmp_path / "new.db")


@pytest.mark.parametrize(
    "count", [count for count in RELEASES if count >= NAMES.index("0002_transcripts") + 1]
)
def test_old_words_are_found_and_go_with_their_recording(
    path: Path, count: int, monkeypatch: pytest.MonkeyPatch
):
    used_since(path, count, monkeypatch)

    with use(Store.open(path)) as store:
        search = store.transcripts.search
        assert [hit.title for hit in search("zwetschgen*", 9)] == ["Größe completed"]
        assert [hit.record_id for hit in search("GRUßE", 9)] == [3]
        store.records.delete(3)
        assert search("zwetschgen*", 9) == []
        execute("INSERT INTO segments_search (segments_search, rank) VALUES ('integrity-check', 1)")


@pytest.mark.parametrize("count", RELEASES)
def test_work_goes_on_in_a_database_that_was_used_since_any_older_version(
    path: Path, count: int, monkeypatch: pytest.MonkeyPatch
):
    filled = used_since(path, count, monkeypatch)

    with Store.open(path) as store:
        has_processes = NAMES.index("0004_processes") < count
        assert store.controls.paused() is has_processes
        assert store.erasures.marked() == ([2] if has_processes else [])
        claim = store.claims.claim(1, worker_id="w", model="tiny.en", lease_seconds=60)
        assert claim is not None
        new_words = [{"start_seconds": 0.0, "end_seconds": 1.0, "text": "Neue Worte"}]
        store.claims.complete(claim, said(new_words))
        assert [hit.record_id for hit in store.transcripts.search("neue worte", 9)] == [1]
        verdict = store.captures.verdict("session-3")
        assert verdict == ({"reason": "asked"} if "captures" in filled else None)
