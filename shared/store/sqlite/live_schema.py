"""What is decoded of a call while it is recorded: its state, and the windows that are final."""

from __future__ import annotations

from shared.store.sqlite.first_schema import Execute


def add_live_calls(execute: Execute) -> None:
    """Keep live calls by the session of their capture, and what was asked and what is wrong of a capture."""
    execute('ALTER TABLE "captures" ADD COLUMN "live" INTEGER')
    execute('ALTER TABLE "captures" ADD COLUMN "strain" TEXT')
    execute('CREATE INDEX "capture_state_started_at" ON "captures" ("state", "started_at")')
    execute("""
        CREATE TABLE "live_calls" (
            "session_id" TEXT NOT NULL PRIMARY KEY,
            "state" TEXT NOT NULL,
            "why" TEXT,
            "worker_id" TEXT,
            "host" TEXT,
            "token" TEXT,
            "lease_expires_at" REAL,
            "recipe" TEXT NOT NULL,
            "model" TEXT NOT NULL,
            "language" TEXT,
            "language_probability" REAL,
            "flags" TEXT NOT NULL,
            "crashes" INTEGER NOT NULL,
            "final_seconds" REAL NOT NULL,
            "heard_seconds" REAL NOT NULL,
            "behind_seconds" REAL NOT NULL,
            "speed" REAL,
            "yields" TEXT,
            "provisional" TEXT NOT NULL,
            "revision" INTEGER NOT NULL,
            "updated_at" REAL NOT NULL,
            FOREIGN KEY ("session_id") REFERENCES "captures" ("session_id") ON DELETE CASCADE
        )""")
    execute("""
        CREATE TABLE "live_windows" (
            "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            "session_id" TEXT NOT NULL,
            "start_seconds" REAL NOT NULL,
            "end_seconds" REAL NOT NULL,
            "stretch_seconds" REAL NOT NULL,
            "segments" TEXT NOT NULL,
            "channel" INTEGER,
            "words" TEXT NOT NULL,
            FOREIGN KEY ("session_id") REFERENCES "live_calls" ("session_id") ON DELETE CASCADE
        )""")
    execute('CREATE INDEX "livewindow_session_id" ON "live_windows" ("session_id")')
