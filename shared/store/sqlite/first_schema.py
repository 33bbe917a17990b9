"""The first schema: the steps of the migrations that make the tables.

A step that has been released never changes; `migrations.py` names the steps and applies what is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: Runs a statement with values, and returns a cursor.
Execute = Callable[..., Any]


def create_records(execute: Execute) -> None:
    execute("""
        CREATE TABLE "call_records" (
            "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            "session_id" TEXT NOT NULL,
            "source" TEXT NOT NULL,
            "title" TEXT NOT NULL,
            "candidate_id" TEXT,
            "project_id" TEXT,
            "recording_path" TEXT NOT NULL,
            "sha256" TEXT,
            "size_bytes" INTEGER,
            "modified_ns" INTEGER,
            "duration_seconds" REAL,
            "flags" TEXT NOT NULL,
            "options" TEXT NOT NULL,
            "transcription_status" TEXT NOT NULL,
            "transcription_error" TEXT,
            "error_code" TEXT,
            "priority" INTEGER NOT NULL,
            "attempts" INTEGER NOT NULL,
            "crashes" INTEGER NOT NULL,
            "progress" REAL NOT NULL,
            "speed" REAL,
            "language" TEXT,
            "model" TEXT,
            "claim_token" TEXT,
            "worker_id" TEXT,
            "lease_expires_at" REAL,
            "next_attempt_at" REAL NOT NULL,
            "library_stem" TEXT COLLATE NOCASE,
            "filed_at" REAL,
            "created_at" REAL NOT NULL,
            "started_at" REAL,
            "completed_at" REAL
        )""")
    _index_records(execute)


def _index_records(execute: Execute) -> None:
    execute('CREATE UNIQUE INDEX "record_session_id" ON "call_records" ("session_id")')
    execute('CREATE INDEX "record_sha256" ON "call_records" ("sha256")')
    execute('CREATE UNIQUE INDEX "record_library_stem" ON "call_records" ("library_stem")')
    for columns in ("priority", "id"), ("model",), ("completed_at",), ("error_code",):
        name = "_".join(("record_transcription_status", *columns))
        listed = ", ".join(f'"{column}"' for column in ("transcription_status", *columns))
        execute(f'CREATE INDEX "{name}" ON "call_records" ({listed})')


def create_transcripts(execute: Execute) -> None:
    execute("""
        CREATE TABLE "decoded_windows" (
            "id" INTEGER NOT NULL PRIMARY KEY,
            "record_id" INTEGER NOT NULL,
            "start_seconds" REAL NOT NULL,
            "end_seconds" REAL NOT NULL,
            "stretch_seconds" REAL NOT NULL,
            "segments" TEXT NOT NULL,
            FOREIGN KEY ("record_id") REFERENCES "call_records" ("id") ON DELETE CASCADE
        )""")
    execute('CREATE INDEX "decodedwindow_record_id" ON "decoded_windows" ("record_id")')
    execute("""
        CREATE TABLE "segments" (
            "id" INTEGER NOT NULL PRIMARY KEY,
            "record_id" INTEGER NOT NULL,
            "start_seconds" REAL NOT NULL,
            "end_seconds" REAL NOT NULL,
            "text" TEXT NOT NULL,
            "average_log_probability" REAL,
            "no_speech_probability" REAL,
            "compression_ratio" REAL,
            "words" TEXT,
            FOREIGN KEY ("record_id") REFERENCES "call_records" ("id") ON DELETE CASCADE
        )""")
    execute('CREATE INDEX "segment_record_id" ON "segments" ("record_id")')


def create_search(execute: Execute) -> None:
    """Index the words of finished transcripts; triggers keep the index true whoever writes a segment."""
    execute("""
        CREATE VIRTUAL TABLE segments_search USING fts5(
            text, content='segments', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
        )""")
    execute("""
        CREATE TRIGGER segments_search_insert AFTER INSERT ON segments BEGIN
            INSERT INTO segments_search (rowid, text) VALUES (new.id, new.text);
        END""")
    execute("""
        CREATE TRIGGER segments_search_delete AFTER DELETE ON segments BEGIN
            INSERT INTO segments_search (segments_search, rowid, text) VALUES ('delete', old.id, old.text);
        END""")
    execute("INSERT INTO segments_search (segments_search) VALUES ('rebuild')")  # of segments from before


def create_processes(execute: Execute) -> None:
    execute("""
        CREATE TABLE "inbox_files" (
            "path" TEXT NOT NULL PRIMARY KEY,
            "size_bytes" INTEGER NOT NULL,
            "modified_ns" INTEGER NOT NULL,
            "outcome" TEXT NOT NULL,
            "record_id" INTEGER,
            FOREIGN KEY ("record_id") REFERENCES "call_records" ("id") ON DELETE CASCADE
        )""")
    execute('CREATE INDEX "inboxfile_record_id" ON "inbox_files" ("record_id")')
    execute("""
        CREATE TABLE "workers" (
            "id" TEXT NOT NULL PRIMARY KEY,
            "kind" TEXT NOT NULL,
            "pid" INTEGER NOT NULL,
            "state" TEXT NOT NULL,
            "started_at" REAL NOT NULL,
            "last_seen_at" REAL NOT NULL
        )""")
    execute('CREATE TABLE "controls" ("name" TEXT NOT NULL PRIMARY KEY, "value" TEXT NOT NULL)')


def create_captures(execute: Execute) -> None:
    execute("""
        CREATE TABLE "captures" (
            "session_id" TEXT NOT NULL PRIMARY KEY,
            "state" TEXT NOT NULL,
            "title" TEXT NOT NULL,
            "candidate_id" TEXT,
            "project_id" TEXT,
            "recording_path" TEXT NOT NULL,
            "layout" TEXT NOT NULL,
            "worker_id" TEXT NOT NULL,
            "started_at" REAL NOT NULL,
            "duration_seconds" REAL NOT NULL,
            "verdict" TEXT NOT NULL
        )""")
    execute('CREATE INDEX "capture_state" ON "captures" ("state")')
    execute('CREATE INDEX "capture_recording_path" ON "captures" ("recording_path")')
    execute("""
        CREATE TABLE "loudness" (
            "session_id" TEXT NOT NULL,
            "minute" INTEGER NOT NULL,
            "microphone" BLOB NOT NULL,
            "loopback" BLOB NOT NULL,
            PRIMARY KEY ("session_id", "minute"),
            FOREIGN KEY ("session_id") REFERENCES "captures" ("session_id") ON DELETE CASCADE
        )""")
