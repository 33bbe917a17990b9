"""What the desk adds to the schema: tables of its own, and the order of all changes of records.

Triggers write that order, because any process may change a record: a worker, a command, the desk.
"""

from __future__ import annotations

from shared.store.sqlite.first_schema import Execute

#: A change of these columns is seen in a list of records.
_SEEN = (
    "session_id, source, title, candidate_id, project_id, duration_seconds, flags, options, "
    "transcription_status, transcription_error, error_code, priority, attempts, progress, speed, language, "
    "model, next_attempt_at, filed_at, completed_at"
)
_RECORD = """
    {id}"record_id" INTEGER NOT NULL, {columns},
    FOREIGN KEY ("record_id") REFERENCES "call_records" ("id") ON DELETE CASCADE"""


def add_desk(execute: Execute) -> None:
    """Add the order of changes, access, notes, drafts, waveforms, deletions, uploads and hooks."""
    _order_changes(execute)
    _keep_what_persons_add(execute)
    _order_deletions(execute)
    _notify(execute)
    execute("""
        CREATE TABLE "access" (
            "id" INTEGER NOT NULL PRIMARY KEY,
            "kind" TEXT NOT NULL,
            "digest" TEXT NOT NULL,
            "name" TEXT,
            "scopes" TEXT NOT NULL,
            "created_at" REAL NOT NULL,
            "expires_at" REAL,
            "last_used_at" REAL
        )""")
    execute('CREATE UNIQUE INDEX "access_digest" ON "access" ("digest")')
    execute("""
        CREATE TABLE "uploads" (
            "id" TEXT NOT NULL PRIMARY KEY,
            "name" TEXT NOT NULL,
            "size_bytes" INTEGER NOT NULL,
            "recording_path" TEXT NOT NULL,
            "options" TEXT NOT NULL,
            "created_at" REAL NOT NULL
        )""")
    execute('CREATE UNIQUE INDEX "upload_recording_path" ON "uploads" ("recording_path")')


def _order_changes(execute: Execute) -> None:
    execute("""
        CREATE TABLE "record_changes" (
            "record_id" INTEGER NOT NULL PRIMARY KEY,
            "seq" INTEGER NOT NULL,
            "words_seq" INTEGER NOT NULL DEFAULT 0,
            "is_deleted" INTEGER NOT NULL DEFAULT 0
        )""")
    execute('CREATE UNIQUE INDEX "recordchange_seq" ON "record_changes" ("seq")')
    upsert = """
        INSERT INTO record_changes (record_id, seq, words_seq, is_deleted)
        SELECT {record}, {next}, {words}, {deleted} WHERE true
        ON CONFLICT (record_id) DO UPDATE
        SET seq = excluded.seq, words_seq = {kept}, is_deleted = excluded.is_deleted;"""
    following = "(SELECT coalesce(max(seq), 0) + 1 FROM record_changes)"
    words_changed = (
        "new.filed_at IS NULL OR new.transcription_status <> old.transcription_status "
        "OR new.progress <> old.progress"
    )
    for name, event, record, words, kept, deleted in (
        ("added", "INSERT", "new.id", following, "excluded.words_seq", 0),
        (
            "changed",
            f"UPDATE OF {_SEEN}",
            "new.id",
            following,
            f"CASE WHEN {words_changed} THEN excluded.words_seq ELSE words_seq END",
            0,
        ),
        ("deleted", "DELETE", "old.id", following, "excluded.words_seq", 1),
    ):
        statement = upsert.format(record=record, next=following, words=words, kept=kept, deleted=deleted)
        execute(f"""
        CREATE TRIGGER "record_{name}" AFTER {event} ON "call_records" BEGIN{statement}
        END""")


def _order_deletions(execute: Execute) -> None:
    """Let a deletion, and that it was undone, be seen as a change of its record."""
    for name, event, record in (("begun", "INSERT", "new.record_id"), ("over", "DELETE", "old.record_id")):
        execute(f"""
        CREATE TRIGGER "deletion_{name}" AFTER {event} ON "deletions" BEGIN
        UPDATE record_changes SET seq = (SELECT max(seq) + 1 FROM record_changes)
        WHERE record_id = {record};
        END""")


def _keep_what_persons_add(execute: Execute) -> None:
    for table, columns in (
        (
            "drafts",
            '"first_word" INTEGER NOT NULL, "base" TEXT NOT NULL, "text" TEXT NOT NULL, '
            '"made_at" REAL NOT NULL, PRIMARY KEY ("record_id", "first_word")',
        ),
        (
            "notes",
            '"at_ms" INTEGER NOT NULL, "text" TEXT NOT NULL, "made_at" REAL NOT NULL',
        ),
        (
            "waveforms",
            '"sha256" TEXT, "ticks_per_second" INTEGER NOT NULL, "sides" INTEGER NOT NULL, '
            '"peaks" BLOB NOT NULL, PRIMARY KEY ("record_id")',
        ),
        ("deletions", '"due_at" REAL NOT NULL, PRIMARY KEY ("record_id")'),
    ):
        key = '"id" INTEGER NOT NULL PRIMARY KEY, ' if table == "notes" else ""
        execute(f'CREATE TABLE "{table}" ({_RECORD.format(id=key, columns=columns)})')
    execute('CREATE INDEX "note_record_id" ON "notes" ("record_id")')


def _notify(execute: Execute) -> None:
    execute("""
        CREATE TABLE "hooks" (
            "id" INTEGER NOT NULL PRIMARY KEY,
            "kind" TEXT NOT NULL,
            "target" TEXT NOT NULL,
            "secret" TEXT NOT NULL,
            "events" TEXT NOT NULL,
            "has_words" INTEGER NOT NULL DEFAULT 0,
            "created_at" REAL NOT NULL,
            "first_failed_at" REAL,
            "stopped_at" REAL,
            "stopped_why" TEXT
        )""")
    execute("""
        CREATE TABLE "deliveries" (
            "id" INTEGER NOT NULL PRIMARY KEY,
            "hook_id" INTEGER NOT NULL,
            "record_id" INTEGER NOT NULL,
            "event" TEXT NOT NULL,
            "message_id" TEXT NOT NULL,
            "state" TEXT NOT NULL,
            "attempts" INTEGER NOT NULL DEFAULT 0,
            "next_attempt_at" REAL NOT NULL DEFAULT 0,
            "last_status" INTEGER,
            "last_error" TEXT,
            "created_at" REAL NOT NULL,
            "finished_at" REAL,
            FOREIGN KEY ("hook_id") REFERENCES "hooks" ("id") ON DELETE CASCADE,
            FOREIGN KEY ("record_id") REFERENCES "call_records" ("id") ON DELETE CASCADE
        )""")
    execute('CREATE UNIQUE INDEX "delivery_message_id" ON "deliveries" ("message_id")')
    execute('CREATE INDEX "delivery_hook_id" ON "deliveries" ("hook_id")')
    execute('CREATE INDEX "delivery_record_id" ON "deliveries" ("record_id")')
    execute('CREATE INDEX "delivery_state_next_attempt_at" ON "deliveries" ("state", "next_attempt_at")')
