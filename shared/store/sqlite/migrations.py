"""Brings a database of any age up to date.

Each migration commits together with its row in `migrations`, so a process that dies in between
leaves the database as it was. A migration that has been released never changes; a new one follows it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from peewee import SqliteDatabase

from shared.errors import NewerDatabase
from shared.store.words_index import index_text

#: Runs a statement with values, and returns a cursor.
Execute = Callable[..., Any]


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
    if unknown := unknown_names(applied):
        raise NewerDatabase(
            f"{database.database} was written by a newer offhook (it has {', '.join(unknown)}). "
            "Nothing was changed; update offhook and try again."
        )
    return [migration.name for migration in MIGRATIONS if migration.name not in applied]


def unknown_names(schema: set[str]) -> list[str]:
    """Return the names of migrations that this version does not have."""
    return sorted(schema - {migration.name for migration in MIGRATIONS})


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


def _add_hosts(execute: Execute) -> None:
    """Say on which host a process runs, and which model a record asks for, in columns of their own."""
    execute('ALTER TABLE "call_records" ADD COLUMN "worker_host" TEXT')
    execute('ALTER TABLE "captures" ADD COLUMN "host" TEXT')
    execute('ALTER TABLE "workers" ADD COLUMN "host" TEXT')
    execute('ALTER TABLE "call_records" ADD COLUMN "requested_model" TEXT')
    execute("""
        UPDATE "call_records" SET "requested_model" = json_extract("options", '$.model')
        WHERE json_valid("options")""")


def _number_words(execute: Execute) -> None:
    """Give each segment the number of its first word, and make tables for overlays on words."""
    execute('ALTER TABLE "segments" ADD COLUMN "first_word" INTEGER NOT NULL DEFAULT 0')
    execute("""
        UPDATE "segments" SET "first_word" = "counted"."before"
        FROM (
            SELECT "id" AS "segment", SUM("words") OVER (
                PARTITION BY "record_id" ORDER BY "id" ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS "before"
            FROM (
                SELECT "id", "record_id",
                    CASE WHEN json_valid("words") THEN json_array_length("words") ELSE 0 END AS "words"
                FROM "segments"
            )
        ) AS "counted"
        WHERE "counted"."segment" = "segments"."id" AND "counted"."before" > 0""")
    for table, columns in (
        ("speaker_labels", '"speaker" TEXT NOT NULL, "source" TEXT NOT NULL, "probability" REAL'),
        ("corrections", '"text" TEXT NOT NULL, "source" TEXT NOT NULL, "made_at" REAL NOT NULL'),
    ):
        execute(f"""
            CREATE TABLE "{table}" (
                "id" INTEGER NOT NULL PRIMARY KEY,
                "record_id" INTEGER NOT NULL,
                "first_word" INTEGER NOT NULL,
                "last_word" INTEGER NOT NULL,
                {columns},
                FOREIGN KEY ("record_id") REFERENCES "call_records" ("id") ON DELETE CASCADE
            )""")
        execute(f'CREATE INDEX "{table.replace("_", "")[:-1]}_record_id" ON "{table}" ("record_id")')
    execute("""
        CREATE TABLE "speaker_names" (
            "record_id" INTEGER NOT NULL,
            "speaker" TEXT NOT NULL,
            "name" TEXT NOT NULL,
            PRIMARY KEY ("record_id", "speaker"),
            FOREIGN KEY ("record_id") REFERENCES "call_records" ("id") ON DELETE CASCADE
        )""")


def _search_all_scripts(execute: Execute) -> None:
    """Let the index hold another text than the segment's where people search for it in other ways.

    `search_text` is that text (`words_index.py`), NULL where it is the segment's own. The store writes the
    index itself from here on: a schema without triggers can be read as one that is not trusted.
    """
    execute('ALTER TABLE "segments" ADD COLUMN "search_text" TEXT')
    for segment_id, text in execute("SELECT id, text FROM segments WHERE text GLOB '*[^ -~]*'").fetchall():
        if (prepared := index_text(text)) is not None:
            execute("UPDATE segments SET search_text = ? WHERE id = ?", (prepared, segment_id))
    execute("DROP TRIGGER segments_search_insert")
    execute("DROP TRIGGER segments_search_delete")
    execute("DROP TABLE segments_search")
    execute("""
        CREATE VIEW segments_to_search AS
        SELECT id, record_id, coalesce(search_text, text) AS text FROM segments""")
    execute("""
        CREATE VIRTUAL TABLE segments_search USING fts5(
            text, content='segments_to_search', content_rowid='id', prefix='1 2 3',
            tokenize='unicode61 remove_diacritics 2'
        )""")
    execute("INSERT INTO segments_search (segments_search) VALUES ('rebuild')")


def _split_controls(execute: Execute) -> None:
    """Give each control a table with columns of its own types; they were texts by name."""
    execute("""
        CREATE TABLE "queue_state" (
            "id" INTEGER NOT NULL PRIMARY KEY,
            "paused" INTEGER NOT NULL,
            "retention_applied_at" REAL
        )""")
    execute('CREATE TABLE "erasures" ("record_id" INTEGER NOT NULL PRIMARY KEY)')
    execute('CREATE TABLE "expected_receipts" ("name" TEXT NOT NULL PRIMARY KEY)')
    execute("""
        CREATE TABLE "scrubs" (
            "id" INTEGER NOT NULL PRIMARY KEY,
            "token" TEXT NOT NULL,
            "rewritten" INTEGER NOT NULL
        )""")
    known = dict(execute("SELECT name, value FROM controls").fetchall())
    state = (known.get("paused") == "true", _number(known.get("retention")))
    execute("INSERT INTO queue_state (id, paused, retention_applied_at) VALUES (1, ?, ?)", state)
    for name in known:
        kind, _, rest = name.partition(":")
        if kind == "erase" and rest.isdecimal():
            execute("INSERT INTO erasures (record_id) VALUES (?)", (int(rest),))
        elif kind == "receipt":
            execute("INSERT INTO expected_receipts (name) VALUES (?)", (rest,))
    if "scrub" in known:
        execute("INSERT INTO scrubs (id, token, rewritten) VALUES (1, 'from before', 0)")
    execute('DROP TABLE "controls"')


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


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
    Migration("0010_hosts", _add_hosts),
    Migration("0011_words", _number_words),
    Migration("0012_scripts", _search_all_scripts),
    Migration("0013_controls", _split_controls),
)
