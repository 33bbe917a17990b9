"""Brings a database of any age up to date.

Each migration commits together with its row in `migrations`, so a process that dies in between
leaves the database as it was. A migration that has been released never changes; a new one follows it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from peewee import SqliteDatabase

from shared.errors import NewerDatabase

Execute = Callable[[str], object]


@dataclass(frozen=True)
class Migration:
    """One step: its name, which is written down once applied, and what it does."""

    name: str
    apply: Callable[[Execute], None]


def migrate(database: SqliteDatabase) -> list[str]:
    """Apply what is missing, in order, and return the names applied. Raises NewerDatabase."""
    applied: list[str] = []
    if not missing(database):
        return applied
    for migration in MIGRATIONS:
        with (
            database.atomic()
        ):  # IMMEDIATE: of two processes that start at once, one waits and then finds it done
            database.execute_sql("CREATE TABLE IF NOT EXISTS migrations (name TEXT NOT NULL PRIMARY KEY)")
            if migration.name in _applied(database):
                continue
            migration.apply(database.execute_sql)
            database.execute_sql("INSERT INTO migrations (name) VALUES (?)", (migration.name,))
            applied.append(migration.name)
    return applied


def missing(database: SqliteDatabase) -> list[str]:
    """Name what is to be applied, taking no lock and changing nothing. Raises NewerDatabase."""
    applied = _applied(database) if database.table_exists("migrations") else set()
    names = [migration.name for migration in MIGRATIONS]
    if unknown := applied - set(names):
        raise NewerDatabase(
            f"{database.database} was written by a newer offhook (it has {', '.join(sorted(unknown))}). "
            "Nothing was changed; update offhook and try again."
        )
    return [name for name in names if name not in applied]


def _applied(database: SqliteDatabase) -> set[str]:
    return {name for (name,) in database.execute_sql("SELECT name FROM migrations")}


def _create_records(execute: Execute) -> None:
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


def _create_transcripts(execute: Execute) -> None:
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


def _create_search(execute: Execute) -> None:
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


def _create_processes(execute: Execute) -> None:
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


def _create_captures(execute: Execute) -> None:
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


def _add_doubts(execute: Execute) -> None:
    execute('ALTER TABLE "segments" ADD COLUMN "doubts" TEXT')


def _index_what_is_asked_often(execute: Execute) -> None:
    """Let no look at the queue, and no new file, read all the records there are."""
    execute('DROP INDEX "record_transcription_status_priority_id"')
    execute('CREATE INDEX "inboxfile_outcome" ON "inbox_files" ("outcome")')
    execute('CREATE INDEX "record_recording_path" ON "call_records" ("recording_path")')
    execute('CREATE INDEX "record_transcription_status" ON "call_records" ("transcription_status")')
    by_urgency = '"call_records" ("transcription_status", "priority" DESC, "id")'
    execute(f'CREATE INDEX "record_urgency" ON {by_urgency}')
    execute(f'CREATE INDEX "record_urgency_begun" ON {by_urgency} WHERE "started_at" IS NOT NULL')
    unfiled = '"call_records" ("transcription_status") WHERE "filed_at" IS NULL'
    execute(f'CREATE INDEX "record_unfiled" ON {unfiled}')


def _index_prefixes(execute: Execute) -> None:
    """Find `t*` without a walk through all words with a t: those would be merged first, for each search.

    Longer beginnings have few words behind them, and are not worth their room. The triggers stay.
    """
    execute("DROP TABLE segments_search")
    execute("""
        CREATE VIRTUAL TABLE segments_search USING fts5(
            text, content='segments', content_rowid='id', prefix='1 2 3',
            tokenize='unicode61 remove_diacritics 2'
        )""")
    execute("INSERT INTO segments_search (segments_search) VALUES ('rebuild')")


def _add_engines(execute: Execute) -> None:
    execute('ALTER TABLE "workers" ADD COLUMN "engines" TEXT')


MIGRATIONS = (
    Migration("0001_records", _create_records),
    Migration("0002_transcripts", _create_transcripts),
    Migration("0003_search", _create_search),
    Migration("0004_processes", _create_processes),
    Migration("0005_captures", _create_captures),
    Migration("0006_doubts", _add_doubts),
    Migration("0007_indexes", _index_what_is_asked_often),
    Migration("0008_prefixes", _index_prefixes),
    Migration("0009_engines", _add_engines),
)
