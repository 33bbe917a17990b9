"""What a team of machines adds to the schema: people, machines, calls on their way, the audit log."""

from __future__ import annotations

from shared.store.sqlite.first_schema import Execute

_TABLES = {
    "people": """
        "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        "name" TEXT NOT NULL,
        "shown_name" TEXT NOT NULL,
        "password" TEXT,
        "role" TEXT NOT NULL,
        "created_at" REAL NOT NULL,
        "disabled_at" REAL""",
    "sign_ins": """
        "key" TEXT NOT NULL PRIMARY KEY,
        "failures" INTEGER NOT NULL,
        "first_at" REAL NOT NULL,
        "blocked_until" REAL NOT NULL""",
    "audit": """
        "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        "at" REAL NOT NULL,
        "person_id" INTEGER,
        "person" TEXT NOT NULL,
        "action" TEXT NOT NULL,
        "record_id" INTEGER,
        "detail" TEXT NOT NULL,
        "address" TEXT NOT NULL""",
    "machines": """
        "host" TEXT NOT NULL PRIMARY KEY,
        "name" TEXT NOT NULL,
        "version" TEXT NOT NULL,
        "device" TEXT NOT NULL,
        "models" TEXT NOT NULL,
        "workers" INTEGER NOT NULL,
        "draining" INTEGER NOT NULL,
        "first_seen_at" REAL NOT NULL,
        "last_seen_at" REAL NOT NULL""",
    "tallies": """
        "worker_id" TEXT NOT NULL,
        "host" TEXT NOT NULL,
        "event" TEXT NOT NULL,
        "model" TEXT NOT NULL,
        "error_code" TEXT NOT NULL,
        "count" INTEGER NOT NULL,
        "audio_seconds" REAL NOT NULL,
        "seconds" REAL NOT NULL,
        PRIMARY KEY ("worker_id", "host", "event", "model", "error_code")""",
    "incoming_calls": """
        "session_id" TEXT NOT NULL PRIMARY KEY,
        "person_id" INTEGER,
        "workstation" TEXT NOT NULL,
        "facts" TEXT NOT NULL,
        "size_bytes" INTEGER NOT NULL,
        "sha256" TEXT NOT NULL,
        "storage_key" TEXT NOT NULL,
        "created_at" REAL NOT NULL,
        "updated_at" REAL NOT NULL""",
    "object_deletions": """
        "storage_key" TEXT NOT NULL PRIMARY KEY,
        "ordered_at" REAL NOT NULL,
        "attempts" INTEGER NOT NULL,
        "next_attempt_at" REAL NOT NULL,
        "error" TEXT""",
    "outbox": """
        "record_id" INTEGER NOT NULL PRIMARY KEY,
        "state" TEXT NOT NULL,
        "sha256" TEXT,
        "sent_bytes" INTEGER NOT NULL,
        "attempts" INTEGER NOT NULL,
        "next_attempt_at" REAL NOT NULL,
        "error_code" TEXT,
        "error" TEXT,
        "server_status" TEXT,
        "server_progress" REAL NOT NULL,
        "server_error" TEXT,
        "words_seq" INTEGER NOT NULL,
        "sent_at" REAL,
        "received_at" REAL,
        "audio_deleted_at" REAL,
        FOREIGN KEY ("record_id") REFERENCES "call_records" ("id") ON DELETE CASCADE""",
    "outbox_deletions": """
        "session_id" TEXT NOT NULL PRIMARY KEY,
        "ordered_at" REAL NOT NULL,
        "attempts" INTEGER NOT NULL,
        "next_attempt_at" REAL NOT NULL,
        "error" TEXT""",
    "joined_servers": """
        "id" INTEGER NOT NULL PRIMARY KEY,
        "url" TEXT NOT NULL,
        "token" TEXT NOT NULL,
        "certificate" TEXT,
        "name" TEXT NOT NULL,
        "person" TEXT NOT NULL,
        "joined_at" REAL NOT NULL,
        "last_seen_at" REAL,
        "refused_at" REAL,
        "away_at" REAL,
        "away_why" TEXT,
        "after_seq" INTEGER NOT NULL""",
}
_INDEXES = (
    'UNIQUE INDEX "person_name" ON "people" ("name")',
    'INDEX "audit_at" ON "audit" ("at")',
    'INDEX "audit_record_id" ON "audit" ("record_id")',
    'INDEX "incomingcall_person_id" ON "incoming_calls" ("person_id")',
    'INDEX "outbox_state" ON "outbox" ("state")',
    'INDEX "record_turns" ON "call_records" ("transcription_status", "owner_id", "priority" DESC, "id")'
    ' WHERE ("owner_id" IS NOT NULL)',
    'INDEX "record_owner_id" ON "call_records" ("owner_id")',
    'INDEX "recordchange_owner_id_seq" ON "record_changes" ("owner_id", "seq")',
    'INDEX "access_person_id" ON "access" ("person_id")',
)
#: Some of those of `desk_schema.py` that keep the order of changes. Here they note the owner of a record too,
#: and which call it was when it is deleted.
_TRIGGERS = (
    """
        CREATE TRIGGER "record_added" AFTER INSERT ON "call_records" BEGIN
        INSERT INTO record_changes (record_id, seq, words_seq, is_deleted, owner_id)
        SELECT
            new.id, (SELECT coalesce(max(seq), 0) + 1 FROM record_changes),
            (SELECT coalesce(max(seq), 0) + 1 FROM record_changes), 0, new.owner_id WHERE true
        ON CONFLICT (record_id) DO UPDATE SET
            seq = excluded.seq, words_seq = excluded.words_seq, is_deleted = 0, owner_id = excluded.owner_id;
        END""",
    """
        CREATE TRIGGER "record_deleted" AFTER DELETE ON "call_records" BEGIN
        INSERT INTO record_changes (record_id, seq, words_seq, is_deleted, owner_id, session_id)
        SELECT
            old.id, (SELECT coalesce(max(seq), 0) + 1 FROM record_changes),
            (SELECT coalesce(max(seq), 0) + 1 FROM record_changes), 1, old.owner_id, old.session_id WHERE true
        ON CONFLICT (record_id) DO UPDATE SET
            seq = excluded.seq, words_seq = excluded.words_seq, is_deleted = 1,
            session_id = excluded.session_id;
        END""",
    """
        CREATE TRIGGER "record_given" AFTER UPDATE OF "owner_id" ON "call_records" BEGIN
        UPDATE record_changes SET
            seq = (SELECT max(seq) + 1 FROM record_changes), owner_id = new.owner_id
        WHERE record_id = new.id;
        END""",
)


def add_team(execute: Execute) -> None:
    """Add people, machines and the outbox; whose a record is, and where its audio is kept."""
    for name, columns in _TABLES.items():
        execute(f'CREATE TABLE "{name}" ({columns}\n        )')
    execute('ALTER TABLE "call_records" ADD COLUMN "storage_key" TEXT')
    execute('ALTER TABLE "call_records" ADD COLUMN "owner_id" INTEGER')
    execute('ALTER TABLE "call_records" ADD COLUMN "workstation" TEXT')
    execute('ALTER TABLE "record_changes" ADD COLUMN "owner_id" INTEGER')
    execute('ALTER TABLE "record_changes" ADD COLUMN "session_id" TEXT')
    execute('DROP TRIGGER "record_added"')
    execute('DROP TRIGGER "record_deleted"')
    for trigger in _TRIGGERS:
        execute(trigger)
    execute('ALTER TABLE "access" ADD COLUMN "person_id" INTEGER')
    execute('ALTER TABLE "access" ADD COLUMN "workstation" TEXT')
    for index in _INDEXES:
        execute(f"CREATE {index}")
